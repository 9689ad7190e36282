//! The part of a terminal that is drawn over and over: the last lines, in place.

use std::io::{self, Write};

use rustix::termios::tcgetwinsize;

use super::text;
use crate::ui::Color;
use anstyle::Style;

/// Begins and ends an update that terminals show at once (mode 2026; others ignore it).
const BEGIN_UPDATE: &str = "\u{1b}[?2026h";
const END_UPDATE: &str = "\u{1b}[?2026l";
/// Clears to the end of the line, the whole line, and to the end of the screen.
const CLEAR_LINE: &str = "\u{1b}[K";
const CLEAR_WHOLE_LINE: &str = "\u{1b}[2K";
const CLEAR_BELOW: &str = "\u{1b}[J";

/// Size of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    /// Columns.
    pub(super) columns: usize,
    /// Rows.
    pub(super) rows: usize,
}

impl Size {
    /// What a terminal has when it does not say.
    const FALLBACK: Self = Self {
        columns: 80,
        rows: 24,
    };

    /// Size of the terminal on standard error, now.
    pub(super) fn of_stderr() -> Self {
        match tcgetwinsize(io::stderr()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => Self {
                columns: size.ws_col.into(),
                rows: size.ws_row.into(),
            },
            _ => Self::FALLBACK,
        }
    }
}

/// A line to draw: text that is cut to the width, then styled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    style: Style,
    left: String,
    note: String,
    right: String,
}

impl Line {
    /// Text, and text at the right edge.
    pub(super) fn new(style: Style, left: impl Into<String>, right: impl Into<String>) -> Self {
        Self {
            style,
            left: left.into(),
            note: String::new(),
            right: right.into(),
        }
    }

    /// The same with text after the left part, which gives way to it up to half of the line.
    pub(super) fn with_note(self, note: impl Into<String>) -> Self {
        Self {
            note: note.into(),
            ..self
        }
    }

    /// The line in at most `columns` columns, the right part whole whenever it fits.
    fn fitted(&self, columns: usize) -> String {
        if self.right.is_empty() {
            return self.fitted_left(columns);
        }
        let room = columns.saturating_sub(text::width(&self.right) + 1);
        let left = self.fitted_left(room);
        let gap = columns.saturating_sub(text::width(&left) + text::width(&self.right));
        text::fit(&format!("{left}{:gap$}{}", "", self.right), columns)
    }

    fn fitted_left(&self, columns: usize) -> String {
        let kept = text::width(&self.note).min(columns / 2);
        let left = text::fit(&self.left, columns - kept);
        let note = text::fit(&self.note, columns - text::width(&left));
        left + &note
    }
}

/// Draws frames over one another.
#[derive(Debug)]
pub(super) struct Screen<W> {
    out: W,
    color: Color,
    /// Widths of the lines that are on the screen.
    drawn: Vec<usize>,
    /// Widths of the lines that a terminal made lower has pushed out above the screen. One that is
    /// made higher again takes them back.
    above: Vec<usize>,
    /// Size of the screen when it was drawn last.
    size: Option<Size>,
}

impl<W: Write> Screen<W> {
    /// Nothing is drawn yet.
    pub(super) fn new(out: W, color: Color) -> Self {
        Self {
            out,
            color,
            drawn: Vec::new(),
            above: Vec::new(),
            size: None,
        }
    }

    /// Replaces what was drawn last. The last column stays free: some terminals wrap there.
    pub(super) fn draw(&mut self, lines: &[Line], size: Size) -> io::Result<()> {
        let columns = size.columns.saturating_sub(1).max(1);
        let mut frame = self.back_to_top(size);
        let wrapped_anew = !self.columns_stay(size);
        self.drawn.clear();
        for line in lines {
            let fitted = line.fitted(columns);
            if wrapped_anew {
                // A row that a terminal has wrapped stays joined to the next one, whatever is drawn
                // over both, until it is cleared as a whole. Made wider it would put them into one
                // row, and take lines of the user back onto the screen, where the frame covers them.
                frame.push_str(CLEAR_WHOLE_LINE);
            }
            self.drawn.push(text::width(&fitted));
            frame.push_str(&self.color.paint(line.style, fitted));
            frame.push_str(CLEAR_LINE);
            frame.push('\n');
        }
        frame.push_str(CLEAR_BELOW);
        frame.push_str(END_UPDATE);
        self.size = Some(size);
        // One write a frame: what is half drawn is never seen.
        self.out.write_all(frame.as_bytes())?;
        self.out.flush()
    }

    /// Writes below everything drawn, for good.
    pub(super) fn leave(&mut self, text: &[u8]) -> io::Result<()> {
        self.drawn.clear();
        self.above.clear();
        self.out.write_all(text)?;
        self.out.flush()
    }

    /// Moves to the first line drawn, or to that which can still be reached.
    fn back_to_top(&mut self, size: Size) -> String {
        let room = size.rows.saturating_sub(1);
        let before = self.size.unwrap_or(size);
        if self.columns_stay(size) {
            self.take_back(size.rows.saturating_sub(before.rows), size);
        }
        let reached = rows(&self.drawn, size).min(room);
        self.push_out(size, room);
        if !self.columns_stay(size) {
            // Where lines were wrapped anew nobody can say what comes back. Rather is a piece of a
            // frame left than a line of the user drawn over.
            self.above.clear();
        }
        match reached {
            0 => BEGIN_UPDATE.to_owned(),
            rows => format!("{BEGIN_UPDATE}\r\u{1b}[{rows}A"),
        }
    }

    /// Whether the terminal has the width that it was drawn in last.
    fn columns_stay(&self, size: Size) -> bool {
        let stay = |before: Size| before.columns == size.columns;
        self.size.is_none_or(stay)
    }

    /// A terminal made higher has filled the new rows from what was above.
    fn take_back(&mut self, grown: usize, size: Size) {
        let kept = (0..self.above.len())
            .find(|kept| rows(&self.above[*kept..], size) <= grown)
            .unwrap_or(self.above.len());
        let back = self.above.split_off(kept);
        self.drawn.splice(..0, back);
    }

    /// A terminal made lower, or so narrow that lines were wrapped, has pushed out what does not fit
    /// above the cursor, which stands below the last line.
    fn push_out(&mut self, size: Size, room: usize) {
        let out = (0..self.drawn.len())
            .find(|out| rows(&self.drawn[*out..], size) <= room)
            .unwrap_or(self.drawn.len());
        self.above.extend(self.drawn.drain(..out));
    }
}

/// Rows that lines of these widths take. A terminal made narrower has wrapped them.
fn rows(widths: &[usize], size: Size) -> usize {
    let rows = widths
        .iter()
        .map(|width| width.div_ceil(size.columns).max(1));
    rows.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(left: &str, right: &str) -> Line {
        Line::new(Style::new(), left, right)
    }

    #[test]
    fn the_time_stays_at_the_edge() {
        assert_eq!(
            line(" => RUN make", "3.1s").fitted(20),
            " => RUN make    3.1s"
        );
        assert_eq!(
            line(" => RUN make all", "3.1s").fitted(15),
            " => RUN m… 3.1s"
        );
        assert_eq!(line("x", "3.1s").fitted(2), "3…");
    }

    #[test]
    fn a_note_is_not_lost_behind_a_long_text() {
        let line = line(" => RUN make all the things", "3.1s").with_note("  miss: ARG N");
        assert_eq!(
            line.fitted(50),
            " => RUN make all the things  miss: ARG N      3.1s"
        );
        assert_eq!(line.fitted(36), " => RUN make all …  miss: ARG N 3.1s");
        assert_eq!(line.fitted(20), " => RUN…  miss… 3.1s");
    }

    #[test]
    fn a_frame_starts_where_the_last_one_did() {
        let mut screen = Screen::new(Vec::new(), Color::Off);
        let size = Size {
            columns: 40,
            rows: 24,
        };
        screen.draw(&[line("a", ""), line("b", "")], size).unwrap();
        screen.out.clear();
        screen.draw(&[line("c", "")], size).unwrap();
        let frame = String::from_utf8(screen.out).unwrap();
        assert!(
            frame.contains("\r\u{1b}[2Ac\u{1b}[K\n\u{1b}[J"),
            "{frame:?}"
        );
    }

    #[test]
    fn what_a_narrower_terminal_wrapped_is_counted() {
        let mut screen = Screen::new(Vec::new(), Color::Off);
        screen
            .draw(
                &[line(&"x".repeat(30), "")],
                Size {
                    columns: 40,
                    rows: 24,
                },
            )
            .unwrap();
        screen.out.clear();
        screen
            .draw(
                &[line("y", "")],
                Size {
                    columns: 20,
                    rows: 24,
                },
            )
            .unwrap();
        assert!(String::from_utf8(screen.out).unwrap().contains("\u{1b}[2A"));
    }

    /// A terminal as people have one: it scrolls what does not fit, keeps what it scrolled, and takes
    /// it back when it is made higher. Another width wraps all lines anew, as tmux does it.
    struct Terminal {
        size: Size,
        scrolled: Vec<Row>,
        screen: Vec<Row>,
        cursor: usize,
    }

    #[derive(Clone, Default)]
    struct Row {
        text: String,
        /// Whether the next row goes on with the same line.
        wrapped: bool,
    }

    impl Terminal {
        fn new(rows: usize) -> Self {
            Self {
                size: Size { columns: 40, rows },
                scrolled: Vec::new(),
                screen: vec![Row::default()],
                cursor: 0,
            }
        }

        fn show(&mut self, text: &str) {
            let frame = text.replace(BEGIN_UPDATE, "").replace(END_UPDATE, "");
            let mut rest = frame.as_str();
            if let Some(after) = rest.strip_prefix("\r\u{1b}[") {
                let (up, after) = after.split_once('A').unwrap();
                self.cursor = self.cursor.saturating_sub(up.parse().unwrap());
                rest = after;
            }
            for line in rest.split_inclusive('\n') {
                match line.strip_suffix('\n') {
                    Some(line) => self.line(line.trim_end_matches(CLEAR_LINE)),
                    None if line == CLEAR_BELOW => {
                        self.screen.truncate(self.cursor);
                        self.screen.push(Row::default());
                    }
                    None => panic!("{line:?}"),
                }
            }
        }

        fn line(&mut self, line: &str) {
            let line = match line.strip_prefix(CLEAR_WHOLE_LINE) {
                Some(line) => {
                    self.unwrap();
                    line
                }
                None => line,
            };
            assert!(line.chars().count() <= self.size.columns);
            line.clone_into(&mut self.screen[self.cursor].text);
            self.cursor += 1;
            if self.cursor == self.screen.len() {
                self.screen.push(Row::default());
            }
            self.scroll();
        }

        /// The row of the cursor is a line of its own.
        fn unwrap(&mut self) {
            self.screen[self.cursor].wrapped = false;
            let before = match self.cursor.checked_sub(1) {
                Some(before) => self.screen.get_mut(before),
                None => self.scrolled.last_mut(),
            };
            if let Some(before) = before {
                before.wrapped = false;
            }
        }

        /// Gives a full screen another width. The rows below are those that were below before.
        fn resize_columns(&mut self, columns: usize) {
            assert_eq!(self.cursor + 1, self.size.rows);
            let mut lines: Vec<Row> = Vec::new();
            for row in self.scrolled.drain(..).chain(self.screen.drain(..)) {
                match lines.last_mut().filter(|line| line.wrapped) {
                    Some(line) => {
                        line.text.push_str(&row.text);
                        line.wrapped = row.wrapped;
                    }
                    None => lines.push(row),
                }
            }
            self.scrolled = lines.iter().flat_map(|line| split(line, columns)).collect();
            let above = self.scrolled.len() - self.size.rows;
            self.screen = self.scrolled.split_off(above);
            self.size.columns = columns;
        }

        fn scroll(&mut self) {
            let over = (self.cursor + 1).saturating_sub(self.size.rows);
            self.scrolled.extend(self.screen.drain(..over));
            self.cursor -= over;
        }

        fn resize(&mut self, rows: usize) {
            let grown = rows.saturating_sub(self.size.rows).min(self.scrolled.len());
            let back = self.scrolled.split_off(self.scrolled.len() - grown);
            self.cursor += back.len();
            self.screen.splice(..0, back);
            self.size.rows = rows;
            self.screen.truncate((self.cursor + 1).max(rows));
            self.scroll();
        }

        /// All lines, those that scrolled away as well.
        fn lines(&self) -> Vec<&str> {
            let all = self.scrolled.iter().chain(&self.screen);
            all.map(|row| row.text.as_str())
                .filter(|line| !line.is_empty())
                .collect()
        }
    }

    /// The rows that a line takes.
    fn split(line: &Row, columns: usize) -> Vec<Row> {
        let text: Vec<char> = line.text.chars().collect();
        let mut rows: Vec<Row> = text
            .chunks(columns)
            .map(|part| Row {
                text: part.iter().collect(),
                wrapped: true,
            })
            .collect();
        match rows.last_mut() {
            Some(last) => last.wrapped = false,
            None => rows.push(Row::default()),
        }
        rows
    }

    #[test]
    fn a_terminal_made_narrow_and_wide_again_keeps_all_lines_of_the_user() {
        let mut terminal = Terminal::new(24);
        let said: Vec<String> = (0..60).map(|at| format!("$ {at}")).collect();
        said.iter().for_each(|said| terminal.line(said));
        let mut screen = Screen::new(Vec::new(), Color::Off);
        for (frame, columns) in [40, 20, 20, 40, 13, 37, 5, 90, 40].into_iter().enumerate() {
            terminal.resize_columns(columns);
            let fill = if frame == 0 { 15 } else { 23 };
            let lines: Vec<Line> = (0..fill)
                .map(|at| line(&format!("{frame}: {at}"), "3.1s"))
                .collect();
            screen.draw(&lines, terminal.size).unwrap();
            terminal.show(std::str::from_utf8(&screen.out).unwrap());
            screen.out.clear();
            let mut all = terminal.lines();
            all.retain(|line| line.starts_with('$'));
            assert_eq!(all, said, "frame {frame}");
        }
    }

    #[test]
    fn a_terminal_made_lower_and_higher_again_keeps_no_piece_of_a_frame() {
        let mut terminal = Terminal::new(20);
        for said in ["$ one", "$ two", "$ three"] {
            terminal.line(said);
        }
        let mut screen = Screen::new(Vec::new(), Color::Off);
        for (frame, rows) in [20, 6, 5, 5, 9, 12, 7, 30, 30].into_iter().enumerate() {
            terminal.resize(rows);
            let text: Vec<String> = (0..14).map(|at| format!("{frame}: {at}")).collect();
            let lines: Vec<Line> = text
                .iter()
                .take(rows - 1)
                .map(|text| line(text, ""))
                .collect();
            screen.draw(&lines, terminal.size).unwrap();
            terminal.show(std::str::from_utf8(&screen.out).unwrap());
            screen.out.clear();
        }
        let last: Vec<String> = (0..14).map(|at| format!("8: {at}")).collect();
        let said = ["$ one", "$ two", "$ three"].into_iter();
        let expected: Vec<&str> = said.chain(last.iter().map(String::as_str)).collect();
        assert_eq!(terminal.lines(), expected);
    }
}
