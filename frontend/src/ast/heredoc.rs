//! Heredocs: file contents written in the iEchorfile.

use crate::span::Span;

/// Whether variables in a heredoc are expanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expansion {
    /// `<<EOF`: they are.
    Variables,
    /// `<<"EOF"`: the body is literal.
    Literal,
}

/// `<<NAME` and the lines up to the one that says `NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// The delimiter without its quotes; also the file's name in COPY, ADD and shebang scripts.
    pub name: String,
    /// The lines between, each with its line end; for `<<-` without their leading tabs.
    pub body: String,
    /// Whether the body is expanded (COPY and ADD alone: in RUN the shell does that).
    pub expansion: Expansion,
    /// The `<<NAME` word.
    pub span: Span,
}

impl Heredoc {
    /// Whether the body begins with `#!`, so that it is a program in itself.
    pub fn has_shebang(&self) -> bool {
        self.body.starts_with("#!")
    }
}
