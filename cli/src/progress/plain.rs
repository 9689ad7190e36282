//! `--progress plain`: lines that only ever grow, in the form that people know from buildx.
//!
//! ```text
//! #7 [2/4] RUN make
//! #7 miss: ARG CACHEBUST 1 -> 2
//! #7 0.412 cc -o app app.c
//! #7 DONE 3.1s
//! ```

use std::io::{self, Write};

use iechor_engine::{Event, StepId};

use super::Renderer;
use super::model::{Model, State, Step, Transfer, subject};
use super::summary::Summary;
use super::text::labelled;
use crate::env;
use crate::units::{Seconds, Size};

/// Whether each step is folded away in the log of a CI service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Folding {
    /// Lines and nothing else.
    None,
    /// `::group::` of GitHub Actions.
    GitHub,
}

impl Folding {
    /// What the environment asks for.
    pub(super) fn from_environment() -> Self {
        if env::GITHUB_ACTIONS.is_set() {
            Self::GitHub
        } else {
            Self::None
        }
    }
}

/// Writes lines.
#[derive(Debug)]
pub(super) struct Plain<W> {
    out: W,
    folding: Folding,
    /// The step whose lines are being written.
    current: Option<StepId>,
}

impl<W: Write> Plain<W> {
    /// Writes to `out`.
    pub(super) fn new(out: W, folding: Folding) -> Self {
        Self {
            out,
            folding,
            current: None,
        }
    }

    /// Goes over to a step: its title again, for it may have been left before.
    fn turn_to(&mut self, model: &Model, step: &Step, text: &mut Vec<u8>) -> io::Result<()> {
        if self.current == Some(step.info.id) {
            return Ok(());
        }
        if let Some(left) = self.current.take().and_then(|id| model.step(id)) {
            writeln!(text, "#{} ...", left.number())?;
            self.close(text)?;
        }
        self.current = Some(step.info.id);
        let group = if self.folding == Folding::GitHub {
            "::group::"
        } else {
            ""
        };
        writeln!(text, "{group}#{} {}", step.number(), step.title())
    }

    fn close(&mut self, text: &mut Vec<u8>) -> io::Result<()> {
        match self.folding {
            Folding::None => writeln!(text),
            Folding::GitHub => writeln!(text, "::endgroup::"),
        }
    }

    fn step_event(&mut self, model: &Model, step: &Step, event: &Event) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        // What is worth no line must not turn from one step to the other either. A step that only
        // begins may be over with its next line, cached.
        let said = describe(step, event)?;
        let begins = matches!(event, Event::Started(_)) && self.current.is_none();
        if said.is_empty() && !begins {
            return Ok(text);
        }
        self.turn_to(model, step, &mut text)?;
        text.extend(said);
        if step.is_over() {
            self.current = None;
            self.close(&mut text)?;
        }
        Ok(text)
    }
}

/// The lines that an event is worth.
fn describe(step: &Step, event: &Event) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let number = step.number();
    for line in step.fresh_lines() {
        writeln!(text, "#{number} {:.3} {}", line.at.as_secs_f64(), line.text)?;
    }
    match event {
        Event::Hit(_) => writeln!(text, "#{number} CACHED")?,
        Event::Miss(..) => {
            let why = step.why.as_deref().unwrap_or_default();
            writeln!(text, "#{number} miss: {why}")?;
        }
        Event::Transfer { what, .. } => write_transfer(&mut text, step, what)?,
        Event::Finished(_, duration) if step.state != State::Cached => {
            writeln!(text, "#{number} DONE {}", Seconds(*duration))?;
        }
        Event::Failed(_, why) => writeln!(text, "#{number} ERROR: {why}")?,
        Event::Cancelled(_) => writeln!(text, "#{number} CANCELED")?,
        _ => {}
    }
    Ok(text)
}

/// Lines cannot be redrawn: a transfer is told once, when everything has arrived.
fn write_transfer(text: &mut Vec<u8>, step: &Step, what: &str) -> io::Result<()> {
    let arrived = |known: &&Transfer| known.what == what && known.is_complete();
    match step.transfers.iter().find(arrived) {
        Some(transfer) => {
            let size = Size(transfer.current);
            writeln!(text, "#{} {}: {size} done", step.number(), transfer.what)
        }
        None => Ok(()),
    }
}

impl<W: Write + Send> Renderer for Plain<W> {
    fn event(&mut self, model: &Model, event: &Event) -> io::Result<()> {
        let text = match (event, subject(event).and_then(|id| model.step(id))) {
            (Event::Warning(warning), _) => format!("{}\n", labelled(warning)).into_bytes(),
            (Event::Planned(_), _) | (_, None) => return Ok(()),
            (_, Some(step)) => self.step_event(model, step, event)?,
        };
        // One write for each event, so that two builds that share a terminal mix by the line.
        self.out.write_all(&text)
    }

    fn finish(&mut self, model: &Model, summary: Option<&Summary>) -> io::Result<()> {
        let mut text = Vec::new();
        if self.current.take().is_some() {
            self.close(&mut text)?;
        }
        write_failures(&mut text, model)?;
        if let Some(summary) = summary {
            writeln!(text, "{summary}")?;
        }
        self.out.write_all(&text)
    }
}

/// The last lines of each step that failed, between rules, as buildx shows them.
pub(super) fn write_failures(text: &mut Vec<u8>, model: &Model) -> io::Result<()> {
    let failed = |step: &&Step| matches!(step.state, State::Failed(_)) && !step.tail.is_empty();
    for step in model.steps().iter().filter(failed) {
        writeln!(text, "------\n > {}:", step.title())?;
        for line in &step.tail {
            writeln!(text, "{:.3} {}", line.at.as_secs_f64(), line.text)?;
        }
        writeln!(text, "------")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use iechor_engine::Stream;

    use super::super::model::tests::planned;
    use super::*;

    /// What is written while `events` happen, times removed.
    fn written(folding: Folding, events: &[Event]) -> String {
        let mut model = Model::new();
        let mut plain = Plain::new(Vec::new(), folding);
        for event in events {
            model.apply(event);
            plain.event(&model, event).unwrap();
        }
        String::from_utf8(plain.out).unwrap()
    }

    fn log(index: usize, text: &str) -> Event {
        Event::Log(StepId(index), Stream::Stdout, text.as_bytes().to_vec())
    }

    fn done(index: usize) -> Event {
        Event::Finished(StepId(index), Duration::from_millis(3100))
    }

    /// Log lines without the time that they came at: `#2 0.104 hi` as `#2 0.0 hi`.
    fn without_times(text: &str) -> String {
        text.lines().map(|line| without_time(line) + "\n").collect()
    }

    fn without_time(line: &str) -> String {
        match line.splitn(3, ' ').collect::<Vec<_>>()[..] {
            [number, time, rest] if time.parse::<f64>().is_ok() => format!("{number} 0.0 {rest}"),
            _ => line.to_owned(),
        }
    }

    #[test]
    fn a_step_reads_as_in_buildx() {
        let text = written(
            Folding::None,
            &[
                planned(0, "[1/2]", "COPY a /a"),
                planned(1, "[2/2]", "RUN make"),
                Event::Hit(StepId(0)),
                Event::Started(StepId(1)),
                Event::Miss(StepId(1), "ARG CACHEBUST 1 -> 2".into()),
                log(1, "hi\n"),
                done(1),
            ],
        );
        let expected = "#1 [1/2] COPY a /a\n#1 CACHED\n\n#2 [2/2] RUN make\n\
                        #2 miss: ARG CACHEBUST 1 -> 2\n#2 0.0 hi\n#2 DONE 3.1s\n\n";
        assert_eq!(without_times(&text), expected);
    }

    #[test]
    fn a_step_that_is_left_is_named_again() {
        let text = written(
            Folding::None,
            &[
                planned(0, "[a 1/1]", "RUN a"),
                planned(1, "[b 1/1]", "RUN b"),
                Event::Started(StepId(0)),
                log(1, "b\n"),
                log(0, "a\n"),
            ],
        );
        let expected = "#1 [a 1/1] RUN a\n#1 ...\n\n#2 [b 1/1] RUN b\n#2 0.0 b\n#2 ...\n\n\
                        #1 [a 1/1] RUN a\n#1 0.0 a\n";
        assert_eq!(without_times(&text), expected);
    }

    #[test]
    fn steps_that_begin_together_and_are_cached_are_told_one_after_the_other() {
        let text = written(
            Folding::GitHub,
            &[
                planned(0, "[a 1/1]", "RUN a"),
                planned(1, "[b 1/1]", "RUN b"),
                Event::Started(StepId(0)),
                Event::Started(StepId(1)),
                Event::Hit(StepId(0)),
                Event::Hit(StepId(1)),
            ],
        );
        let expected = "::group::#1 [a 1/1] RUN a\n#1 CACHED\n::endgroup::\n\
                        ::group::#2 [b 1/1] RUN b\n#2 CACHED\n::endgroup::\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_warning_says_that_it_is_one() {
        for warning in ["odd", "warning: odd"] {
            let text = written(Folding::None, &[Event::Warning(warning.into())]);
            assert_eq!(text, "warning: odd\n");
        }
    }

    #[test]
    fn github_folds_each_step() {
        let text = written(
            Folding::GitHub,
            &[planned(0, "[1/1]", "RUN a"), Event::Hit(StepId(0))],
        );
        assert_eq!(text, "::group::#1 [1/1] RUN a\n#1 CACHED\n::endgroup::\n");
    }

    #[test]
    fn a_transfer_is_told_once() {
        let transfer = |current| Event::Transfer {
            step: StepId(0),
            what: "layer".into(),
            current,
            total: Some(2_000_000),
        };
        let text = written(
            Folding::None,
            &[
                planned(0, "[1/1]", "FROM x"),
                transfer(5),
                transfer(1_000_000),
                transfer(2_000_000),
            ],
        );
        assert_eq!(text, "#1 [1/1] FROM x\n#1 layer: 2MB done\n");
    }

    #[test]
    fn a_failed_step_ends_with_its_last_lines() {
        let events = [
            planned(0, "[1/1]", "RUN false"),
            Event::Started(StepId(0)),
            log(0, "oops\n"),
            Event::Failed(StepId(0), "exit code: 1".into()),
        ];
        let text = written(Folding::None, &events);
        assert!(text.ends_with("#1 ERROR: exit code: 1\n\n"), "{text}");
        let mut failures = Vec::new();
        write_failures(
            &mut failures,
            &super::super::model::tests::model_of(&events),
        )
        .unwrap();
        let failures = String::from_utf8(failures).unwrap();
        assert!(
            failures.starts_with("------\n > [1/1] RUN false:\n0."),
            "{failures}"
        );
        assert!(failures.ends_with(" oops\n------\n"), "{failures}");
    }
}
