//! From text to logical lines: comments and blank lines left out, continuations joined.

use crate::ast::Escape;
use crate::fragment::Fragment;
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
        Fragment::whole(self).trim()
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The place of the source that the byte at `index` of the text comes from.
    pub(crate) fn place(&self, index: usize) -> Span {
        let Some(segment) = self.segment(index) else {
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

    /// The byte offset in the source of the byte at `index` of the text.
    pub(crate) fn offset(&self, index: usize) -> usize {
        let segment = self.segment(index);
        segment.map_or(0, |segment| {
            segment.offset + index.saturating_sub(segment.start)
        })
    }

    fn segment(&self, index: usize) -> Option<&Segment> {
        let after = self
            .segments
            .partition_point(|segment| segment.start <= index);
        self.segments.get(after.checked_sub(1)?)
    }
}

fn count_chars(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}
