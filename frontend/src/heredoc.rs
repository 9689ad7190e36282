//! Heredocs: which words of a line begin one, and where their bodies end.

use crate::ast::{Expansion, Heredoc};
use crate::fragment::Fragment;
use crate::lexer::Lexer;
use crate::parser::words::{quoted_words, unquote};

/// A `<<NAME` whose body is still to be read.
#[derive(Debug)]
pub(crate) struct Opening<'l> {
    pub(crate) word: Fragment<'l>,
    pub(crate) name: String,
    expansion: Expansion,
    tabs: LeadingTabs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LeadingTabs {
    Kept,
    /// `<<-`: they are no part of the body.
    Stripped,
}

/// The words of a line that begin a heredoc, in order.
pub(crate) fn openings<'l>(line: &Fragment<'l>, escape: char) -> Vec<Opening<'l>> {
    if !line.as_str().contains("<<") {
        return Vec::new();
    }
    quoted_words(line, escape)
        .iter()
        .filter_map(opening)
        .collect()
}

/// Reads `[digits]<<[-]NAME`: what the shell would take for a heredoc, its NAME in quotes or not.
pub(crate) fn opening<'l>(word: &Fragment<'l>) -> Option<Opening<'l>> {
    let text = word
        .as_str()
        .trim_start_matches(|c: char| c.is_ascii_digit());
    let text = text.strip_prefix("<<")?;
    let (tabs, quoted) = match text.strip_prefix('-') {
        Some(rest) => (LeadingTabs::Stripped, rest),
        None => (LeadingTabs::Kept, text),
    };
    if quoted.contains('<') {
        return None;
    }
    let name = unquote(quoted, '\\')?;
    let expansion = match name == quoted {
        true => Expansion::Variables,
        false => Expansion::Literal,
    };
    let is_name = !name.is_empty() && !name.contains(char::is_whitespace);
    is_name.then(|| Opening {
        word: word.clone(),
        name,
        expansion,
        tabs,
    })
}

/// The text ends before the heredoc does.
#[derive(Debug)]
pub(crate) struct Unterminated;

impl Opening<'_> {
    /// Reads the body from the lines that follow.
    pub(crate) fn read(&self, lexer: &mut Lexer<'_>) -> Result<Heredoc, Unterminated> {
        let mut body = String::new();
        while let Some(line) = lexer.next_physical() {
            if self.strip(line.text) == self.name {
                return Ok(self.heredoc(body));
            }
            body.push_str(self.strip(line.full));
        }
        Err(Unterminated)
    }

    fn strip<'t>(&self, line: &'t str) -> &'t str {
        match self.tabs {
            LeadingTabs::Kept => line,
            LeadingTabs::Stripped => line.trim_start_matches('\t'),
        }
    }

    fn heredoc(&self, body: String) -> Heredoc {
        let (name, span) = (self.name.clone(), self.word.span());
        Heredoc {
            name,
            body,
            expansion: self.expansion,
            span,
        }
    }
}
