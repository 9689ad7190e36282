//! Parts of an instruction's text.

use std::ops::Range;

use crate::ast::Text;
use crate::lexer::LogicalLine;
use crate::span::Span;

/// A part of a logical line that knows where it comes from.
#[derive(Debug, Clone)]
pub(crate) struct Fragment<'l> {
    line: &'l LogicalLine,
    range: Range<usize>,
}

impl<'l> Fragment<'l> {
    /// All of a line.
    pub(crate) fn whole(line: &'l LogicalLine) -> Self {
        Self {
            line,
            range: 0..line.text().len(),
        }
    }

    pub(crate) fn as_str(&self) -> &'l str {
        self.line.text().get(self.range.clone()).unwrap_or_default()
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
        let end = self.line.offset(last) + 1;
        Span {
            len: end.saturating_sub(start.offset),
            ..start
        }
    }

    /// An empty fragment at the end of a line is the point behind its last character.
    fn end_of_previous(&self, start: Span) -> Span {
        match self
            .line
            .text()
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
