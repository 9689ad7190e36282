//! Where something is in the source text.

use std::fmt;

/// A range of the source text, and where it begins as people count.
///
/// Offsets count bytes of the text as UTF-8. A range may run over several lines: a word that a
/// continuation splits has one span from its first character to its last.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Span {
    /// Byte offset of the first character.
    pub offset: usize,
    /// Length in bytes; 0 for a point between two characters.
    pub len: usize,
    /// Line of the first character, from 1.
    pub line: u32,
    /// Column of the first character, from 1, counted in characters.
    pub column: u32,
}

impl Span {
    /// Byte offset just after the last character.
    pub fn end(&self) -> usize {
        self.offset.saturating_add(self.len)
    }

    /// The range from where `self` begins to where `last` ends.
    #[must_use]
    pub fn to(self, last: Self) -> Self {
        let len = last.end().saturating_sub(self.offset).max(self.len);
        Self { len, ..self }
    }

    /// The point where this range begins.
    #[must_use]
    pub fn start(self) -> Self {
        Self { len: 0, ..self }
    }
}

impl fmt::Debug for Span {
    /// `line:column+len`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}+{}", self.line, self.column, self.len)
    }
}
