//! The part of a terminal that is drawn over and over: the last lines, in place.

use std::io::{self, Write};

use rustix::termios::tcgetwinsize;

use super::text;
use crate::ui::Color;
use anstyle::Style;

/// Begins and ends an update that terminals show at once (mode 2026; others ignore it).
const BEGIN_UPDATE: &str = "\u{1b}[?2026h";
const END_UPDATE: &str = "\u{1b}[?2026l";
/// Clears to the end of the line, and to the end of the screen.
const CLEAR_LINE: &str = "\u{1b}[K";
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
}

impl<W: Write> Screen<W> {
    /// Nothing is drawn yet.
    pub(super) fn new(out: W, color: Color) -> Self {
        Self {
            out,
            color,
            drawn: Vec::new(),
        }
    }

    /// Replaces what was drawn last. The last column stays free: some terminals wrap there.
    pub(super) fn draw(&mut self, lines: &[Line], size: Size) -> io::Result<()> {
        let columns = size.columns.saturating_sub(1).max(1);
        let mut frame = self.back_to_top(size);
        self.drawn.clear();
        for line in lines {
            let fitted = line.fitted(columns);
            self.drawn.push(text::width(&fitted));
            frame.push_str(&self.color.paint(line.style, fitted));
            frame.push_str(CLEAR_LINE);
            frame.push('\n');
        }
        frame.push_str(CLEAR_BELOW);
        frame.push_str(END_UPDATE);
        // One write a frame: what is half drawn is never seen.
        self.out.write_all(frame.as_bytes())?;
        self.out.flush()
    }

    /// Writes below everything drawn, for good.
    pub(super) fn leave(&mut self, text: &[u8]) -> io::Result<()> {
        self.drawn.clear();
        self.out.write_all(text)?;
        self.out.flush()
    }

    /// Moves to the first line drawn. A terminal made narrower has wrapped what was drawn.
    fn back_to_top(&self, size: Size) -> String {
        let rows: usize = self
            .drawn
            .iter()
            .map(|width| width.div_ceil(size.columns).max(1))
            .sum();
        match rows {
            0 => BEGIN_UPDATE.to_owned(),
            rows => format!("{BEGIN_UPDATE}\r\u{1b}[{rows}A"),
        }
    }
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
}
