//! An instruction's line, taken apart.

use super::flags::Flags;
use super::json::{self, Json};
use super::report::Report;
use super::{canonical, unknown_instruction};
use crate::ast::{Escape, Heredoc, Keyword, Statement, Text};
use crate::diagnostic::{Code, Diagnostic};
use crate::fragment::Fragment;
use crate::heredoc::{Opening, openings};
use crate::lexer::{Lexer, LogicalLine};
use crate::span::Span;

/// One instruction before its arguments are looked at.
#[derive(Debug, Clone)]
pub(super) struct Line<'l> {
    pub(super) keyword: Keyword,
    /// The keyword as written.
    pub(super) word: Fragment<'l>,
    pub(super) flags: Flags<'l>,
    /// The arguments after the flags.
    pub(super) rest: Fragment<'l>,
    pub(super) heredocs: Vec<Heredoc>,
    pub(super) escape: Escape,
    /// Keyword, flags and arguments.
    whole: Fragment<'l>,
}

impl<'l> Line<'l> {
    /// Takes a line apart and reads the heredocs behind it; none if it is no instruction.
    pub(super) fn read(
        logical: &'l LogicalLine,
        lexer: &mut Lexer<'_>,
        escape: Escape,
        report: &mut Report,
    ) -> Option<Self> {
        let whole = logical.fragment();
        let (word, rest) = whole.split_word();
        let Some(keyword) = Keyword::parse(word.as_str()) else {
            skip_unknown(&word, &rest, lexer, escape, report);
            return None;
        };
        let (flags, arguments) = Flags::split(&rest, escape);
        let openings = heredocs_of(keyword, &arguments, escape);
        let heredocs = read_heredocs(&openings, lexer, report)?;
        Some(Self {
            keyword,
            word,
            flags,
            rest: arguments,
            heredocs,
            escape,
            whole,
        })
    }

    /// The line behind ONBUILD, if that is an instruction. The heredocs are the trigger's.
    pub(super) fn as_trigger(&self) -> Option<Self> {
        let whole = self.rest.clone();
        let (word, rest) = whole.split_word();
        let keyword = Keyword::parse(word.as_str())?;
        let (flags, rest) = Flags::split(&rest, self.escape);
        let heredocs = self.heredocs.clone();
        Some(Self {
            keyword,
            word,
            flags,
            rest,
            heredocs,
            escape: self.escape,
            whole,
        })
    }

    /// The same line with a part of its arguments.
    pub(super) fn with_rest(&self, rest: Fragment<'l>) -> Self {
        Self {
            rest,
            ..self.clone()
        }
    }

    /// The arguments when they are a JSON array of strings. One of something else is reported.
    pub(super) fn json(&self, report: &mut Report) -> Result<Option<Vec<Text>>, Reported> {
        match json::parse(self.rest.as_str()) {
            Json::No => Ok(None),
            Json::Strings(strings) => {
                let text = |(string, range)| Text::new(string, self.rest.slice(range).span());
                Ok(Some(strings.into_iter().map(text).collect()))
            }
            Json::OtherElement(range) => {
                let message = "a JSON array of arguments holds strings alone";
                let error =
                    Diagnostic::error(Code::INVALID_JSON, self.rest.slice(range).span(), message);
                report.add(error.label("not a string"));
                Err(Reported)
            }
        }
    }

    /// Everything that was written, in its two forms.
    pub(super) fn into_statement(self) -> Statement {
        Statement {
            canonical: canonical::text(&self),
            original: with_heredocs(self.whole.as_str().to_owned(), &self.heredocs),
            span: self.span(),
            keyword: self.word.text(),
        }
    }

    fn span(&self) -> Span {
        self.whole.span()
    }
}

/// Stands for an error that the report has already.
#[derive(Debug)]
pub(super) struct Reported;

/// The text with the heredocs behind it, as in the file.
pub(super) fn with_heredocs(mut text: String, heredocs: &[Heredoc]) -> String {
    for heredoc in heredocs {
        text.push('\n');
        text.push_str(&heredoc.body);
        text.push_str(&heredoc.name);
    }
    text
}

/// Which heredocs the arguments begin: those of RUN, COPY and ADD, not in JSON, and of a trigger.
fn heredocs_of<'l>(keyword: Keyword, rest: &Fragment<'l>, escape: Escape) -> Vec<Opening<'l>> {
    match keyword {
        Keyword::Run | Keyword::Copy | Keyword::Add if json::parse(rest.as_str()) == Json::No => {
            openings(rest, escape.char())
        }
        Keyword::Onbuild => {
            let (word, rest) = rest.split_word();
            let inner = Keyword::parse(word.as_str()).filter(|inner| *inner != Keyword::Onbuild);
            inner
                .map(|inner| heredocs_of(inner, &rest, escape))
                .unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

fn read_heredocs(
    openings: &[Opening<'_>],
    lexer: &mut Lexer<'_>,
    report: &mut Report,
) -> Option<Vec<Heredoc>> {
    let mut heredocs = Vec::new();
    for opening in openings {
        let Ok(heredoc) = opening.read(lexer) else {
            let message = format!("heredoc {} has no end", opening.name);
            let span = opening.word.span();
            let label = format!("no line says {}", opening.name);
            report.add(Diagnostic::error(Code::UNTERMINATED_HEREDOC, span, message).label(label));
            return None;
        };
        heredocs.push(heredoc);
    }
    Some(heredocs)
}

/// Reports an unknown word; what is meant to be RUN, COPY or ADD may have heredocs, and their
/// lines are no instructions.
fn skip_unknown(
    word: &Fragment<'_>,
    rest: &Fragment<'_>,
    lexer: &mut Lexer<'_>,
    escape: Escape,
    report: &mut Report,
) {
    if let Some(meant) = unknown_instruction(&word.text(), report) {
        read_heredocs(&heredocs_of(meant, rest, escape), lexer, report);
    }
}
