//! Text that is not expanded yet.

use std::fmt;

use crate::span::Span;

/// A piece of the file as it was written: variables, quotes and escapes are still in it.
///
/// It derefs to nothing on purpose. [`Text::raw`] is for display; what is used goes through an
/// [`Expander`](crate::expand::Expander) first, unless the instruction is one that is not expanded.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Text {
    raw: String,
    span: Span,
}

impl Text {
    /// Text found at `span`.
    pub fn new(raw: impl Into<String>, span: Span) -> Self {
        Self {
            raw: raw.into(),
            span,
        }
    }

    /// What was written.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// Where it was written.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Whether it holds a `$`, so that its value depends on where it is expanded.
    pub fn may_expand(&self) -> bool {
        self.raw.contains('$')
    }
}

impl fmt::Debug for Text {
    /// `"raw" @ line:column+len`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} @ {:?}", self.raw, self.span)
    }
}
