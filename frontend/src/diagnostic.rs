//! What is wrong with a file, or may be: where, what, and what to do.

mod code;
mod render;
mod suggest;
mod width;

pub use code::Code;
pub(crate) use suggest::closest;

use std::fmt;

use crate::span::Span;

/// How much a diagnostic matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The file can be built.
    Warning,
    /// It can't.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One finding about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of finding it is.
    pub code: Code,
    /// Whether the file can be built all the same.
    pub severity: Severity,
    /// What is wrong: a clause in lower case without a full stop.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What stands beside the caret; may be empty.
    pub label: String,
    /// What to do, when the label does not say it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A finding that stops the build.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, span, message)
    }

    /// A finding that does not.
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, span, message)
    }

    fn new(severity: Severity, code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            span,
            label: String::new(),
            help: None,
        }
    }

    /// The same with a text beside the caret.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            ..self
        }
    }

    /// The same with an advice.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }

    /// The same with `did you mean …?` beside the caret, if one of the `known` words is close.
    #[must_use]
    pub(crate) fn suggest<'w>(self, word: &str, known: impl IntoIterator<Item = &'w str>) -> Self {
        match closest(word, known) {
            Some(near) => self.label(format!("did you mean {near}?")),
            None => self,
        }
    }

    /// Whether the file can't be built.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The finding as people read it, without colour, ending in a line end.
    ///
    /// `name` is what the file is called and `source` the text that was parsed (ill-formed UTF-8
    /// replaced). Tabs are shown as spaces and long lines cut around the caret.
    ///
    /// ```text
    /// error[E0102]: unknown instruction: RUNN
    ///  --> iEchorfile:2:1
    ///   |
    /// 2 | RUNN echo hi
    ///   | ^^^^ did you mean RUN?
    /// ```
    pub fn render(&self, name: &str, source: &str) -> String {
        render::render(self, name, source)
    }
}
