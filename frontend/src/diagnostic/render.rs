//! A diagnostic as text.

use super::Diagnostic;
use super::width::{self, char_width};
use crate::span::Span;

/// How many columns of a line are shown.
const MAX_WIDTH: usize = 140;
/// How many columns before the caret stay when a line is cut.
const CONTEXT: usize = 40;
/// How much of a message is shown; it may quote a word of any length.
const MAX_MESSAGE: usize = 300;

pub(super) fn render(diagnostic: &Diagnostic, name: &str, source: &str) -> String {
    let Diagnostic {
        code,
        severity,
        message,
        span,
        label,
        help,
    } = diagnostic;
    let excerpt = Excerpt::new(source_line(source, *span), *span);
    let number = span.line.to_string();
    let gutter = " ".repeat(number.len());
    let carets = format!("{}{} {}", excerpt.indent(), excerpt.carets(), shown(label));
    let mut lines = vec![
        format!("{severity}[{code}]: {}", shown(message)),
        format!("{gutter}--> {}:{}:{}", shown(name), span.line, span.column),
        format!("{gutter} |"),
        format!("{number} | {}", excerpt.text),
        format!("{gutter} | {carets}"),
    ];
    lines.extend(
        help.as_ref()
            .map(|help| format!("{gutter} = help: {}", shown(help))),
    );
    lines
        .iter()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

/// A text without what a terminal would take for a command, and not too long.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars().take(MAX_MESSAGE) {
        width::push_shown(c, &mut shown);
    }
    if text.chars().nth(MAX_MESSAGE).is_some() {
        shown.push('…');
    }
    shown
}

/// The line where the span begins.
///
/// The span may be of another text (an ONBUILD trigger, a file that has changed since): then it is
/// whatever stands there.
fn source_line(source: &str, span: Span) -> &str {
    let start = source.floor_char_boundary(span.offset);
    let (before, rest) = source.split_at(start);
    let begin = before.rfind('\n').map_or(0, |at| at + 1);
    let end = rest.find('\n').map_or(source.len(), |at| start + at);
    let line = source.get(begin..end).unwrap_or_default();
    line.strip_suffix('\r').unwrap_or(line)
}

/// What is shown of a line, and the columns of it to point at.
struct Excerpt {
    text: String,
    start: usize,
    width: usize,
}

impl Excerpt {
    fn new(line: &str, span: Span) -> Self {
        let (start, end) = marked_columns(line, span);
        let total = line.chars().map(char_width).sum();
        let (left, right) = window(start, total);
        let mut text = String::from(if left > 0 { "…" } else { "" });
        let (mut column, mut first) = (0, None);
        for c in line.chars() {
            let next = column + char_width(c);
            if column >= left && next <= right {
                first.get_or_insert(column);
                width::push_shown(c, &mut text);
            }
            column = next;
        }
        if right < total {
            text.push('…');
        }
        let shift = |column: usize| column.min(right).saturating_sub(first.unwrap_or(left));
        let (start, width) = (
            shift(start) + usize::from(left > 0),
            shift(end) - shift(start),
        );
        Self { text, start, width }
    }

    fn indent(&self) -> String {
        " ".repeat(self.start)
    }

    fn carets(&self) -> String {
        "^".repeat(self.width.max(1))
    }
}

/// The columns, from 0, between which the span is, as far as it is on this line.
fn marked_columns(line: &str, span: Span) -> (usize, usize) {
    let index = usize::try_from(span.column)
        .unwrap_or(usize::MAX)
        .saturating_sub(1);
    let begin = line
        .char_indices()
        .nth(index)
        .map_or(line.len(), |(at, _)| at);
    let (before, rest) = line.split_at(begin);
    let (marked, _) = rest.split_at(rest.floor_char_boundary(span.len));
    let width = |text: &str| text.chars().map(char_width).sum::<usize>();
    // A span that goes on to the next line ends with the text of this one.
    let marked = if span.len > rest.len() {
        rest.trim_end()
    } else {
        marked
    };
    (width(before), width(before) + width(marked))
}

/// The columns of a line to show so that the one at `start` is seen.
fn window(start: usize, total: usize) -> (usize, usize) {
    if total <= MAX_WIDTH {
        return (0, total);
    }
    let left = if start < MAX_WIDTH - CONTEXT {
        0
    } else {
        start.saturating_sub(CONTEXT)
    };
    (left, total.min(left + MAX_WIDTH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;

    fn span(offset: usize, len: usize, column: u32) -> Span {
        Span {
            offset,
            len,
            line: 1,
            column,
        }
    }

    fn excerpt(source: &str, span: Span) -> (String, String) {
        let error = Diagnostic::error(Code::UNKNOWN_INSTRUCTION, span, "m");
        let text = render(&error, "f", source);
        let line = |index| text.lines().nth(index).map(|line| line.get(4..)).unwrap();
        let text_of = |index| line(index).unwrap_or_default().to_owned();
        (text_of(3), text_of(4))
    }

    #[test]
    fn tabs_and_wide_characters_keep_the_caret_in_place() {
        assert_eq!(
            excerpt("\tRUNN x", span(1, 4, 2)),
            ("    RUNN x".into(), "    ^^^^".into())
        );
        assert_eq!(
            excerpt("漢字 x", span(7, 1, 4)),
            ("漢字 x".into(), "     ^".into())
        );
        assert_eq!(
            excerpt("e\u{301}x", span(3, 1, 3)),
            ("e\u{301}x".into(), " ^".into())
        );
    }

    #[test]
    fn long_lines_are_cut_around_the_caret() {
        let line = format!("{}MARK{}", "a".repeat(1000), "b".repeat(1000));
        let (text, carets) = excerpt(&line, span(1000, 4, 1001));
        assert_eq!(text.chars().count(), MAX_WIDTH + 2);
        assert!(text.starts_with("…a") && text.ends_with("b…"));
        assert_eq!(text.chars().position(|c| c == 'M'), carets.find('^'));
        assert_eq!(carets.matches('^').count(), 4);
    }

    #[test]
    fn what_a_terminal_would_obey_is_not_shown() {
        let error = Diagnostic::error(Code::UNKNOWN_INSTRUCTION, span(0, 1, 1), "a\u{1b}[31m");
        let text = render(&error, "f\u{7}", "\u{1b}]0;x\u{202e}y");
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']));
    }

    #[test]
    fn a_span_of_another_text_is_no_problem() {
        let (text, carets) = excerpt("short", span(9_999, 9_999, 9_999));
        assert_eq!((text.as_str(), carets.as_str()), ("short", "     ^"));
        assert_eq!(excerpt("", span(0, 3, 1)), ("".into(), "^".into()));
    }
}
