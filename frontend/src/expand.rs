//! `$variables`: what they stand for, by the rules of Docker's words.
//!
//! | written | gives |
//! | --- | --- |
//! | `$name`, `${name}` | the value; nothing when unset |
//! | `${name:-word}`, `${name-word}` | `word` when unset (or, with `:`, empty) |
//! | `${name:+word}`, `${name+word}` | `word` when set (and, with `:`, not empty) |
//! | `${name:?word}`, `${name?word}` | an error with `word` when unset (or, with `:`, empty) |
//! | `${name#pattern}`, `${name##pattern}` | without the shortest, longest prefix that matches |
//! | `${name%pattern}`, `${name%%pattern}` | without the shortest, longest suffix that matches |
//! | `${name/pattern/word}`, `${name//pattern/word}` | the first match, every match replaced |
//!
//! Words hold variables, quotes and escapes in turn. Single quotes keep everything as it is, double
//! quotes keep all but variables and the escape before `"`, `$` and itself; outside quotes the
//! escape character takes the meaning from the character after it. In patterns `*` and `?` match
//! anything but a line end.

mod braces;
mod builder;
mod glob;
mod word;

use std::collections::BTreeSet;

use crate::ast::{Escape, Heredoc, Text};
use crate::diagnostic::{Code, Diagnostic};

/// The longest text that one expansion may give, in bytes.
pub const MAX_EXPANSION: usize = 1 << 20;

/// Finds the value of a variable.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Expands words with the values that a lookup gives, and remembers which names it asked for.
pub struct Expander<'a> {
    escape: char,
    lookup: &'a Lookup<'a>,
    used: BTreeSet<String>,
    unset: BTreeSet<String>,
}

impl std::fmt::Debug for Expander<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Expander")
            .field("used", &self.used)
            .field("unset", &self.unset)
            .finish()
    }
}

impl<'a> Expander<'a> {
    /// An expander for words of a file with this escape character.
    pub fn new(escape: Escape, lookup: &'a Lookup<'a>) -> Self {
        Self {
            escape: escape.char(),
            lookup,
            used: BTreeSet::new(),
            unset: BTreeSet::new(),
        }
    }

    /// Expands a text to one word; blanks in it stay.
    ///
    /// For ADD, ARG, COPY, ENV, FROM, LABEL, STOPSIGNAL, USER, VOLUME and WORKDIR.
    pub fn word(&mut self, text: &str) -> Result<String, ExpandError> {
        Ok(word::expand(self, text, word::Quotes::Removed)?.text)
    }

    /// Expands a text and splits what comes out at blanks that are not quoted. For EXPOSE.
    pub fn words(&mut self, text: &str) -> Result<Vec<String>, ExpandError> {
        Ok(word::expand(self, text, word::Quotes::Removed)?.words)
    }

    /// The body of a heredoc in COPY or ADD: expanded, unless its delimiter is quoted.
    ///
    /// Quotes mean nothing in it, and the escape character is `\` whatever the file says.
    pub fn heredoc(&mut self, heredoc: &Heredoc) -> Result<String, ExpandError> {
        word::expand_heredoc(self, heredoc)
    }

    /// [`word`](Self::word), with an error that points at the text.
    pub fn text(&mut self, text: &Text) -> Result<String, Box<Diagnostic>> {
        self.word(text.raw())
            .map_err(|error| Box::new(error.at(text)))
    }

    /// The names that had a value when they were looked up.
    pub fn used(&self) -> &BTreeSet<String> {
        &self.used
    }

    /// The names that had none.
    pub fn unset(&self) -> &BTreeSet<String> {
        &self.unset
    }
}

/// Why a text can't be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpandError {
    /// A quote is not closed.
    #[error("unexpected end of text while looking for the closing {0}")]
    UnclosedQuote(char),
    /// A `${` is not closed.
    #[error("missing }} after ${{{0}")]
    UnclosedBrace(String),
    /// There is no name after `${`.
    #[error("bad substitution: no name after ${{")]
    NoName,
    /// What follows the name is no operator.
    #[error("unsupported operator {operator:?} after ${{{name}")]
    UnknownOperator {
        /// The variable.
        name: String,
        /// What follows it.
        operator: String,
    },
    /// A pattern has a backslash before a character that needs none.
    #[error(
        "invalid pattern {pattern:?} after ${{{name}: \\ may come before * ? \\ / and }} alone"
    )]
    BadPattern {
        /// The variable.
        name: String,
        /// The pattern.
        pattern: String,
    },
    /// `${name?message}` and there is no value.
    #[error("{name}: {message}")]
    Required {
        /// The variable.
        name: String,
        /// What the file says about it.
        message: String,
    },
    /// More than [`MAX_EXPANSION`] bytes would come out.
    #[error("the expansion is longer than {MAX_EXPANSION} bytes")]
    TooLong,
    /// `${` is nested too deeply.
    #[error("substitutions are nested more than {0} deep")]
    TooDeep(usize),
    /// A pattern would need too long to match.
    #[error("matching the pattern {0:?} takes too long")]
    TooSlow(String),
}

impl ExpandError {
    /// The error as a diagnostic that points at the text.
    pub fn at(&self, text: &Text) -> Diagnostic {
        let code = match self {
            Self::Required { .. } => Code::REQUIRED_VARIABLE,
            Self::TooLong | Self::TooDeep(_) | Self::TooSlow(_) => Code::TOO_LARGE,
            _ => Code::BAD_SUBSTITUTION,
        };
        Diagnostic::error(code, text.span(), self.to_string())
    }
}
