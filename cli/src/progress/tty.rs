//! `--progress tty`: the live view, in the form that people know from buildx.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use iechor_engine::Event;

use super::model::{Model, State, Step, Transfer};
use super::plain::write_failures;
use super::screen::{Line, Screen, Size};
use super::summary::Summary;
use super::{Renderer, Work};
use crate::ui::Color;
use crate::units::{self, Seconds};

/// Lines of its output shown under a step that runs.
const WINDOW: usize = 6;
/// Transfers shown under a step that runs.
const TRANSFERS: usize = 8;
/// Cells of a transfer's bar.
const BAR: u64 = 16;

const FINISHED: Style = AnsiColor::Blue.on_default();
const FAILED: Style = AnsiColor::Red.on_default();
const FAINT: Style = Style::new().dimmed();
const NORMAL: Style = Style::new();

/// Draws frames.
#[derive(Debug)]
pub(super) struct Tty<W> {
    screen: Screen<W>,
    work: Work,
}

impl<W: Write> Tty<W> {
    /// Draws on `out`, which is a terminal.
    pub(super) fn new(out: W, color: Color, work: Work) -> Self {
        Self {
            screen: Screen::new(out, color),
            work,
        }
    }
}

impl<W: Write + Send> Renderer for Tty<W> {
    /// Frames come at their own pace.
    fn event(&mut self, _: &Model, _: &Event) -> io::Result<()> {
        Ok(())
    }

    fn tick(&mut self, model: &Model) -> io::Result<()> {
        let size = Size::of_stderr();
        let lines = live_frame(self.work, model, size.rows.saturating_sub(1));
        self.screen.draw(&lines, size)
    }

    fn finish(&mut self, model: &Model, summary: Option<&Summary>) -> io::Result<()> {
        let lines = last_frame(self.work, model);
        self.screen.draw(&lines, Size::of_stderr())?;
        let mut text = Vec::new();
        for warning in model.warnings() {
            writeln!(text, "{warning}")?;
        }
        write_failures(&mut text, model)?;
        if let Some(summary) = summary {
            writeln!(text, "{summary}")?;
        }
        self.screen.leave(&text)
    }
}

/// Header and steps in at most `rows` rows. Where they do not fit, finished steps give way first.
fn live_frame(work: Work, model: &Model, rows: usize) -> Vec<Line> {
    let begun: Vec<&Step> = model
        .steps()
        .iter()
        .filter(|step| step.state != State::Waiting)
        .collect();
    let (over, running): (Vec<&Step>, Vec<&Step>) = begun.iter().partition(|step| step.is_over());
    let details: Vec<Line> = running
        .iter()
        .flat_map(|step| running_lines(step))
        .collect();
    let room = rows.saturating_sub(1 + details.len());
    let mut lines = vec![header(work, model, "")];
    lines.extend(
        over[over.len().saturating_sub(room)..]
            .iter()
            .map(|step| title_line(step)),
    );
    lines.extend(details);
    lines.truncate(rows.max(1));
    lines
}

/// Everything that began, for the scroll-back.
fn last_frame(work: Work, model: &Model) -> Vec<Line> {
    let begun = model
        .steps()
        .iter()
        .filter(|step| step.state != State::Waiting);
    std::iter::once(header(work, model, " FINISHED"))
        .chain(begun.map(title_line))
        .collect()
}

fn header(work: Work, model: &Model, end: &str) -> Line {
    let over = model.steps().iter().filter(|step| step.is_over()).count();
    let (all, elapsed) = (model.steps().len(), Seconds(model.elapsed()));
    let doing = work.words();
    Line::new(
        NORMAL,
        format!("[+] {doing} {elapsed} ({over}/{all}){end}"),
        "",
    )
}

fn title_line(step: &Step) -> Line {
    let (style, prefix) = match step.state {
        State::Cached => (FINISHED, "CACHED "),
        State::Done(_) => (FINISHED, ""),
        State::Failed(_) => (FAILED, "ERROR "),
        State::Cancelled => (FAILED, "CANCELED "),
        State::Waiting | State::Running => (NORMAL, ""),
    };
    let why = step
        .why
        .as_ref()
        .map(|why| format!("  miss: {why}"))
        .unwrap_or_default();
    let time = Seconds(step.elapsed()).to_string();
    Line::new(style, format!(" => {prefix}{}", step.title()), time).with_note(why)
}

fn running_lines(step: &Step) -> Vec<Line> {
    let mut lines = vec![title_line(step)];
    let under_way = step
        .transfers
        .iter()
        .filter(|transfer| !transfer.is_complete());
    lines.extend(under_way.take(TRANSFERS).map(transfer_line));
    let output = |text: &str| Line::new(FAINT, format!(" => => # {text}"), "");
    let unfinished: Vec<String> = step.unfinished_lines().collect();
    let hidden = (step.tail.len() + unfinished.len()).saturating_sub(WINDOW);
    let tail = step.tail.iter().skip(hidden);
    lines.extend(tail.map(|line| output(&line.text)));
    lines.extend(unfinished.iter().map(|text| output(text)));
    lines
}

fn transfer_line(transfer: &Transfer) -> Line {
    let current = units::Size(transfer.current);
    let left = format!(" => => {}", transfer.what);
    match transfer.total.filter(|total| *total > 0) {
        Some(total) => {
            let bar = bar(transfer.current, total);
            let total = units::Size(total);
            // As wide as any size, so that the bars stand below each other and do not tremble.
            Line::new(NORMAL, left, format!("{bar} {current:>7} / {total:>7}"))
        }
        None => Line::new(NORMAL, left, current.to_string()),
    }
}

fn bar(current: u64, total: u64) -> String {
    let full = u128::from(current.min(total)) * u128::from(BAR) / u128::from(total);
    (0..u128::from(BAR))
        .map(|cell| if cell < full { '█' } else { '░' })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use iechor_engine::{StepId, Stream};

    use super::super::model::tests::{model_of, planned};
    use super::*;

    fn drawn(lines: &[Line], size: Size) -> Vec<String> {
        let mut out = Vec::new();
        Screen::new(&mut out, Color::Off).draw(lines, size).unwrap();
        let text = String::from_utf8(out).unwrap();
        text.lines()
            .map(|line| super::super::text::clean(line.as_bytes()))
            .collect()
    }

    fn busy() -> Model {
        let mut events: Vec<Event> = (0..40)
            .map(|n| planned(n, &format!("[{}/40]", n + 1), "RUN something long"))
            .collect();
        events.extend((0..30).map(|n| Event::Hit(StepId(n))));
        events.push(Event::Miss(StepId(30), "first time on this parent".into()));
        let log = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n".repeat(3);
        events.push(Event::Log(StepId(30), Stream::Stdout, log.into_bytes()));
        model_of(&events)
    }

    #[test]
    fn a_frame_never_outgrows_the_screen() {
        for rows in 1..60 {
            assert!(live_frame(Work::Build, &busy(), rows).len() <= rows);
        }
    }

    #[test]
    fn a_short_screen_keeps_what_runs() {
        let lines = drawn(
            &live_frame(Work::Build, &busy(), 10),
            Size {
                columns: 60,
                rows: 11,
            },
        );
        assert!(
            lines[0].starts_with("[+] Building 0.0s (30/40)"),
            "{lines:?}"
        );
        assert!(
            lines[1].starts_with(" => CACHED [29/40] RUN something long"),
            "{lines:?}"
        );
        assert!(
            lines[3].starts_with(" => [31/40] RUN something …  miss: "),
            "{lines:?}"
        );
        assert_eq!(lines[9], " => => # seven");
    }

    #[test]
    fn a_line_that_has_not_ended_is_shown_below_the_others() {
        let mut model = busy();
        let bar = b"10 %\r20 %\r".to_vec();
        model.apply(&Event::Log(StepId(30), Stream::Stdout, bar));
        let lines = drawn(&live_frame(Work::Build, &model, 10), SIZE);
        assert_eq!(lines[8..10], [" => => # seven", " => => # 20 %"]);
        let next = b"\n".to_vec();
        model.apply(&Event::Log(StepId(30), Stream::Stdout, next));
        let ended = drawn(&live_frame(Work::Build, &model, 10), SIZE);
        assert_eq!(ended, lines);
    }

    #[test]
    fn no_line_is_wider_than_the_screen() {
        for columns in [1, 2, 10, 80] {
            let lines = drawn(
                &live_frame(Work::Build, &busy(), 20),
                Size { columns, rows: 21 },
            );
            assert!(
                lines
                    .iter()
                    .all(|line| super::super::text::width(line) <= columns)
            );
        }
    }

    #[test]
    fn the_end_shows_every_step() {
        let mut events = vec![planned(0, "[1/2]", "RUN a"), planned(1, "[2/2]", "RUN b")];
        events.push(Event::Finished(StepId(0), Duration::from_millis(1500)));
        events.push(Event::Failed(StepId(1), "exit code: 1".into()));
        let lines = drawn(
            &last_frame(Work::Build, &model_of(&events)),
            Size {
                columns: 40,
                rows: 3,
            },
        );
        assert!(lines[0].ends_with("(2/2) FINISHED"));
        assert!(lines[1].starts_with(" => [1/2] RUN a") && lines[1].ends_with("1.5s"));
        assert!(lines[2].starts_with(" => ERROR [2/2] RUN b"));
    }

    #[test]
    fn the_head_says_what_is_done() {
        let head = |work| live_frame(work, &model_of(&[]), 9)[0].clone();
        let said = |work| drawn(&[head(work)], SIZE).remove(0);
        assert_eq!(said(Work::Pull), "[+] Pulling 0.0s (0/0)");
        assert_eq!(said(Work::Push), "[+] Pushing 0.0s (0/0)");
    }

    #[test]
    fn bars_of_transfers_stand_below_each_other() {
        let transfer = |current, total| Event::Transfer {
            step: StepId(0),
            what: format!("layer {total}"),
            current,
            total: Some(total),
        };
        let mut events = vec![planned(0, "[pull]", "image"), Event::Started(StepId(0))];
        events.extend([
            transfer(999, 1000),
            transfer(5, 123_400_000),
            transfer(1_704_000_000, 2_000_000_000),
        ]);
        let lines = drawn(&live_frame(Work::Pull, &model_of(&events), 9), SIZE);
        let begins: Vec<_> = lines[2..5]
            .iter()
            .map(|line| line.find(['█', '░']))
            .collect();
        assert!(
            begins[0].is_some() && begins.iter().all(|begin| *begin == begins[0]),
            "{lines:#?}"
        );
    }

    const SIZE: Size = Size {
        columns: 80,
        rows: 24,
    };

    #[test]
    fn a_bar_is_full_at_the_end() {
        assert_eq!(bar(0, 100), "░".repeat(16));
        assert_eq!(bar(50, 100), format!("{}{}", "█".repeat(8), "░".repeat(8)));
        assert_eq!(bar(u64::MAX, u64::MAX), "█".repeat(16));
    }
}
