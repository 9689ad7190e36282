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
pub mod span;

pub use diagnostic::{Code, Diagnostic, Severity};
pub use span::Span;

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
    let _ = source.as_ref();
    todo!()
}

/// Parses the text of one ONBUILD trigger, as an image's configuration holds it.
pub fn parse_trigger(text: &str, escape: Escape) -> Result<Instruction, Vec<Diagnostic>> {
    let _ = (text, escape);
    todo!()
}
