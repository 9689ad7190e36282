//! Collects what is wrong.

use super::line::Line;
use crate::ast::Check;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::span::Span;

/// The most errors, and the most warnings, that are kept. Nobody reads more, and a file of
/// nonsense would need hundreds of times its size for them.
const MAX_FINDINGS: usize = 1_000;

/// The diagnostics so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

impl Report {
    pub(super) fn add(&mut self, diagnostic: Diagnostic) {
        let list = match diagnostic.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        if list.len() < MAX_FINDINGS {
            list.push(diagnostic);
        }
    }

    pub(super) fn error(&mut self, code: Code, span: Span, message: impl Into<String>) {
        self.add(Diagnostic::error(code, span, message));
    }

    /// An instruction has no argument, and needs `what`.
    pub(super) fn missing_argument(&mut self, line: &Line<'_>, what: &str) {
        let message = format!("{} needs {what}", line.keyword);
        self.error(Code::MISSING_ARGUMENT, line.word.span(), message);
    }

    /// Whether there are so many errors that reading on is of no use.
    pub(super) fn is_full(&self) -> bool {
        self.errors.len() >= MAX_FINDINGS
    }

    pub(super) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The diagnostics in the order of the text.
    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        let is_full = self.is_full();
        let mut diagnostics = self.errors;
        diagnostics.extend(self.warnings);
        diagnostics.sort_by_key(|diagnostic| diagnostic.span.offset);
        if let Some(last) = diagnostics.last().filter(|_| is_full) {
            let message = format!("more than {MAX_FINDINGS} errors; the rest is not read");
            diagnostics.push(Diagnostic::error(Code::TOO_LARGE, last.span, message));
        }
        diagnostics
    }

    /// The diagnostics as the file's own `# check=` wants them.
    pub(super) fn checked(self, check: Option<&Check>) -> Vec<Diagnostic> {
        let mut diagnostics = self.into_diagnostics();
        let Some(check) = check else {
            return diagnostics;
        };
        diagnostics.retain(|diagnostic| diagnostic.is_error() || !check.skips(diagnostic.code));
        if check.error {
            diagnostics
                .iter_mut()
                .for_each(|diagnostic| diagnostic.severity = Severity::Error);
        }
        diagnostics
    }
}
