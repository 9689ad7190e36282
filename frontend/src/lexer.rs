//! From text to logical lines: comments and blank lines left out, continuations joined.

use std::ops::Range;

use crate::ast::{Escape, Text};
use crate::span::Span;

/// How far apart two known places of a line may be, so that a span costs little to find.
const MAX_SEGMENT: usize = 1024;

/// One line of the source as it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PhysicalLine<'s> {
    /// Without the line end.
    pub(crate) text: &'s str,
    /// With it.
    pub(crate) full: &'s str,
    offset: usize,
    number: u32,
}

impl PhysicalLine<'_> {
    /// The whole line, without blanks around it.
    pub(crate) fn span(&self) -> Span {
        let indent = self.text.len().saturating_sub(self.text.trim_start().len());
        let column = count_chars(self.text.get(..indent).unwrap_or_default()) + 1;
        let (offset, len) = (self.offset + indent, self.text.trim().len());
        Span {
            offset,
            len,
            line: self.number,
            column,
        }
    }

    fn is_comment(&self) -> bool {
        self.text.trim_start().starts_with('#')
    }

    fn is_blank(&self) -> bool {
        self.text.trim_start().is_empty()
    }
}

/// Gives the lines of a text one after the other.
#[derive(Debug)]
pub(crate) struct Lexer<'s> {
    rest: &'s str,
    offset: usize,
    number: u32,
}

impl<'s> Lexer<'s> {
    /// Begins at the start of the text; a byte order mark there is no part of it.
    pub(crate) fn new(source: &'s str) -> Self {
        let rest = source.strip_prefix('\u{feff}').unwrap_or(source);
        Self {
            rest,
            offset: source.len().saturating_sub(rest.len()),
            number: 1,
        }
    }

    /// Where the next line begins.
    pub(crate) fn here(&self) -> Span {
        Span {
            offset: self.offset,
            len: 0,
            line: self.number,
            column: 1,
        }
    }

    /// The next line of the source, without going on to the one after it.
    pub(crate) fn peek(&self) -> Option<PhysicalLine<'s>> {
        let end = self.rest.find('\n').map_or(self.rest.len(), |at| at + 1);
        let full = self.rest.get(..end).filter(|full| !full.is_empty())?;
        let text = full.strip_suffix('\n').unwrap_or(full);
        let text = text.strip_suffix('\r').unwrap_or(text);
        Some(PhysicalLine {
            text,
            full,
            offset: self.offset,
            number: self.number,
        })
    }

    /// The next line of the source.
    pub(crate) fn next_physical(&mut self) -> Option<PhysicalLine<'s>> {
        let line = self.peek()?;
        self.rest = self.rest.get(line.full.len()..).unwrap_or_default();
        self.offset += line.full.len();
        self.number = self.number.saturating_add(1);
        Some(line)
    }

    /// The next line that says something, joined with the lines that continue it.
    pub(crate) fn next_logical(&mut self, escape: Escape) -> Option<LogicalLine> {
        let first = loop {
            let line = self.next_physical()?;
            if !line.is_comment() && !line.is_blank() {
                break line;
            }
        };
        let mut logical = LogicalLine::default();
        let mut continues = logical.append(&first, escape);
        while continues {
            let Some(line) = self.next_physical() else {
                break;
            };
            if line.is_blank() {
                logical.empty_continuation.get_or_insert(line.span());
            } else if !line.is_comment() {
                continues = logical.append(&line, escape);
            }
        }
        Some(logical)
    }
}

/// The text before the continuation, if the line ends in one: an escape character that no other
/// one is before, and blanks at most after it.
fn before_continuation(text: &str, escape: Escape) -> Option<&str> {
    let before = text
        .trim_end_matches([' ', '\t'])
        .strip_suffix(escape.char())?;
    (!before.ends_with(escape.char())).then_some(before)
}

/// An instruction's text, joined from the lines it is written on.
#[derive(Debug, Default)]
pub(crate) struct LogicalLine {
    text: String,
    segments: Vec<Segment>,
    /// The first blank line among those that were joined.
    pub(crate) empty_continuation: Option<Span>,
}

/// From `start` on, the text is what is found at these places of the source.
#[derive(Debug, Clone, Copy)]
struct Segment {
    start: usize,
    offset: usize,
    line: u32,
    column: u32,
}

impl LogicalLine {
    /// Takes a line and says whether the next one continues it.
    fn append(&mut self, line: &PhysicalLine<'_>, escape: Escape) -> bool {
        let before = before_continuation(line.text, escape);
        let mut rest = before.unwrap_or(line.text);
        let (mut offset, mut column) = (line.offset, 1);
        while !rest.is_empty() {
            let (piece, next) = rest.split_at(rest.floor_char_boundary(MAX_SEGMENT));
            let start = self.text.len();
            self.segments.push(Segment {
                start,
                offset,
                line: line.number,
                column,
            });
            self.text.push_str(piece);
            offset += piece.len();
            column = column.saturating_add(count_chars(piece));
            rest = next;
        }
        before.is_some()
    }

    /// All of it, without blanks around it.
    pub(crate) fn fragment(&self) -> Fragment<'_> {
        Fragment {
            line: self,
            range: 0..self.text.len(),
        }
        .trim()
    }

    /// The place of the source that the byte at `index` of the text comes from.
    fn place(&self, index: usize) -> Span {
        let after = self
            .segments
            .partition_point(|segment| segment.start <= index);
        let segment = after.checked_sub(1).and_then(|at| self.segments.get(at));
        let Some(segment) = segment else {
            return Span::default();
        };
        let before = self.text.get(segment.start..index).unwrap_or_default();
        Span {
            offset: segment.offset + index.saturating_sub(segment.start),
            len: 0,
            line: segment.line,
            column: segment.column.saturating_add(count_chars(before)),
        }
    }
}

fn count_chars(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

/// A part of a logical line that knows where it comes from.
#[derive(Debug, Clone)]
pub(crate) struct Fragment<'l> {
    line: &'l LogicalLine,
    range: Range<usize>,
}

impl<'l> Fragment<'l> {
    pub(crate) fn as_str(&self) -> &'l str {
        self.line.text.get(self.range.clone()).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// The part between two byte indices of this fragment.
    pub(crate) fn slice(&self, range: Range<usize>) -> Self {
        let start = (self.range.start + range.start).min(self.range.end);
        let end = (self.range.start + range.end).clamp(start, self.range.end);
        Self {
            line: self.line,
            range: start..end,
        }
    }

    pub(crate) fn split_at(&self, index: usize) -> (Self, Self) {
        (self.slice(0..index), self.slice(index..self.range.len()))
    }

    /// Without the blanks around it.
    pub(crate) fn trim(&self) -> Self {
        let text = self.as_str();
        let start = text.len().saturating_sub(text.trim_start().len());
        self.slice(start..start + text.trim().len())
    }

    /// The first word, and what comes after the blanks behind it.
    pub(crate) fn split_word(&self) -> (Self, Self) {
        let text = self.as_str();
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (word, rest) = self.split_at(end);
        (word, rest.trim())
    }

    /// The words between blanks; quotes mean nothing.
    pub(crate) fn words(&self) -> Vec<Self> {
        let mut words = Vec::new();
        let mut rest = self.trim();
        while !rest.is_empty() {
            let (word, next) = rest.split_word();
            words.push(word);
            rest = next;
        }
        words
    }

    /// The range of the source, from the first character to the last.
    pub(crate) fn span(&self) -> Span {
        let start = self.line.place(self.range.start);
        let Some(last) = self.range.end.checked_sub(1).filter(|_| !self.is_empty()) else {
            return self.end_of_previous(start);
        };
        // Any byte of the last character leads to its segment; the end is one byte further.
        let segments = &self.line.segments;
        let after = segments.partition_point(|segment| segment.start <= last);
        let segment = after.checked_sub(1).and_then(|at| segments.get(at));
        let end = segment.map_or(start.offset, |segment| {
            segment.offset + last - segment.start + 1
        });
        Span {
            len: end.saturating_sub(start.offset),
            ..start
        }
    }

    /// An empty fragment at the end of a line is the point behind its last character.
    fn end_of_previous(&self, start: Span) -> Span {
        match self
            .line
            .text
            .get(..self.range.start)
            .and_then(|text| text.chars().next_back())
        {
            Some(last) => {
                let place = self.line.place(self.range.start - last.len_utf8());
                let (offset, column) = (place.offset + last.len_utf8(), place.column + 1);
                Span {
                    offset,
                    column,
                    ..place
                }
            }
            None => start,
        }
    }

    pub(crate) fn text(&self) -> Text {
        Text::new(self.as_str(), self.span())
    }
}
