//! The iEchorfile language: from text to typed instructions and diagnostics.
//!
//! The language is that of the Dockerfile reference, all 18 instructions of it. [`parse`] never
//! fails: it gives what it understood and a [`Diagnostic`] for everything that it did not.
//!
//! * [`parse`] gives an [`ast::Iechorfile`]: stages of instructions that are not expanded yet.
//! * [`expand`] puts values into `$variables`.
//! * [`ignore`] has the patterns of `.iechorignore` and of `COPY --exclude`.
//! * [`pattern`] has the wildcards of COPY and ADD sources.
//!
//! # Invariants
//!
//! * Nothing here opens a file, reads the environment or knows the time.
//! * No input makes it panic, and time and memory are bounded by a small multiple of the input's
//!   size: the limits are constants beside what they limit.

#![forbid(unsafe_code)]

pub mod ast;
pub mod diagnostic;
pub mod expand;
mod fragment;
mod heredoc;
pub mod ignore;
mod lexer;
mod parser;
pub mod pattern;
pub mod span;

pub use diagnostic::{Code, Diagnostic, Severity};
pub use span::Span;

use std::borrow::Cow;

use ast::{Escape, Iechorfile, Instruction};

/// What [`parse`] gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parsed {
    /// What was understood. Whole only if there is no error among the diagnostics.
    pub file: Iechorfile,
    /// Everything that is wrong or may be, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

impl Parsed {
    /// Whether the file can't be built.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// Parses a whole file.
///
/// Ill-formed UTF-8 is an error and read as U+FFFD, so spans are those of
/// `String::from_utf8_lossy(source)`.
pub fn parse(source: impl AsRef<[u8]>) -> Parsed {
    let bytes = source.as_ref();
    // What is too long to be parsed is too long to be copied.
    let bytes = bytes.get(..=parser::MAX_SOURCE).unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes);
    let mut parsed = parser::parse(&text);
    if let Cow::Owned(_) = text {
        parsed.diagnostics.insert(0, not_utf8(bytes));
    }
    parsed
}

/// Parses the text of one ONBUILD trigger, as an image's configuration holds it.
pub fn parse_trigger(text: &str, escape: Escape) -> Result<Instruction, Vec<Diagnostic>> {
    parser::parse_trigger(text, escape)
}

/// The error that the bytes are not UTF-8, at the first place where they are not.
fn not_utf8(bytes: &[u8]) -> Diagnostic {
    let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let line = valid.matches('\n').count() + 1;
    let column = valid
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
    let span = Span {
        offset: valid.len(),
        len: 3,
        line: count(line),
        column: count(column),
    };
    Diagnostic::error(Code::NOT_UTF8, span, "the file is not UTF-8")
}
