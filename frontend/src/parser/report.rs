//! Collects what is wrong.

use super::line::Line;
use crate::ast::Check;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::span::Span;

/// Nobody reads more, and a file of nonsense would need hundreds of times its size for them.
const MAX_DIAGNOSTICS: usize = 1_000;

/// The diagnostics so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    diagnostics: Vec<Diagnostic>,
}

impl Report {
    pub(super) fn add(&mut self, diagnostic: Diagnostic) {
        if !self.is_full() {
            self.diagnostics.push(diagnostic);
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

    pub(super) fn is_full(&self) -> bool {
        self.diagnostics.len() >= MAX_DIAGNOSTICS
    }

    pub(super) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// The diagnostics in the order of the text.
    pub(super) fn into_diagnostics(mut self) -> Vec<Diagnostic> {
        let full = self.is_full();
        self.diagnostics
            .sort_by_key(|diagnostic| diagnostic.span.offset);
        if let Some(last) = self.diagnostics.last().filter(|_| full) {
            let message = format!("more than {MAX_DIAGNOSTICS} findings; the rest is not read");
            self.diagnostics
                .push(Diagnostic::error(Code::TOO_LARGE, last.span, message));
        }
        self.diagnostics
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
