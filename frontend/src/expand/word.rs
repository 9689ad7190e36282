//! Reads one word: quotes, escapes and `$`.

use std::str::Chars;

use super::builder::{Builder, Expanded, check_length};
use super::{ExpandError, Expander};
use crate::ast::{Expansion, Heredoc};

/// How deep `${a:-${b:-…}}` may go. Each level takes a few stack frames.
const MAX_DEPTH: usize = 64;

/// What quotes do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    /// They group, and go.
    Removed,
    /// They are characters like any other.
    Literal,
}

/// Whether an escape character goes once it has had its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    Removed,
    /// In patterns, which have their own use for it.
    Kept,
}

pub(super) fn expand(
    expander: &mut Expander<'_>,
    text: &str,
    quotes: Quotes,
) -> Result<Expanded, ExpandError> {
    let escape = expander.escape;
    Reader {
        rest: text.chars(),
        expander,
        escape,
        quotes,
        escapes: Escapes::Removed,
        depth: 0,
    }
    .read_all()
}

pub(super) fn expand_heredoc(
    expander: &mut Expander<'_>,
    heredoc: &Heredoc,
) -> Result<String, ExpandError> {
    match heredoc.expansion {
        Expansion::Literal => Ok(heredoc.body.clone()),
        Expansion::Variables => {
            let rest = heredoc.body.chars();
            let (quotes, escapes) = (Quotes::Literal, Escapes::Removed);
            let reader = Reader {
                rest,
                expander,
                escape: '\\',
                quotes,
                escapes,
                depth: 0,
            };
            Ok(reader.read_all()?.text)
        }
    }
}

/// Reads a text once from left to right.
pub(super) struct Reader<'t, 'x, 'a> {
    pub(super) rest: Chars<'t>,
    expander: &'x mut Expander<'a>,
    escape: char,
    quotes: Quotes,
    escapes: Escapes,
    depth: usize,
}

impl Reader<'_, '_, '_> {
    pub(super) fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    pub(super) fn next_if(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.rest.next();
        }
        found
    }

    fn read_all(mut self) -> Result<Expanded, ExpandError> {
        let mut built = Builder::default();
        while let Some(c) = self.rest.next() {
            self.read_one(c, &mut built)?;
        }
        Ok(built.finish())
    }

    /// Reads up to `stop`, which goes; none when the text ends before.
    pub(super) fn read_until(
        &mut self,
        stop: char,
        escapes: Escapes,
    ) -> Result<Option<String>, ExpandError> {
        let outer = std::mem::replace(&mut self.escapes, escapes);
        let mut built = Builder::default();
        let mut stopped = false;
        while let Some(c) = self.rest.next() {
            if c == stop {
                stopped = true;
                break;
            }
            self.read_one(c, &mut built)?;
        }
        self.escapes = outer;
        Ok(stopped.then(|| built.finish().text))
    }

    /// Reads what begins with `c`, which is taken already.
    fn read_one(&mut self, c: char, built: &mut Builder) -> Result<(), ExpandError> {
        match c {
            '$' => built.value(&self.dollar()?),
            '\'' if self.quotes == Quotes::Removed => built.quoted_text(&self.single_quoted()?),
            '"' if self.quotes == Quotes::Removed => built.quoted_text(&self.double_quoted()?),
            _ if c == self.escape => self.escaped(built),
            _ => built.plain(c),
        }
        built.check_length()
    }

    /// An escape character at the end of the text is dropped.
    fn escaped(&mut self, built: &mut Builder) {
        if self.escapes == Escapes::Kept {
            built.quoted(self.escape);
        }
        if let Some(c) = self.rest.next() {
            built.quoted(c);
        }
    }

    fn single_quoted(&mut self) -> Result<String, ExpandError> {
        let text = self.rest.as_str();
        let (quoted, rest) = text
            .split_once('\'')
            .ok_or(ExpandError::UnclosedQuote('\''))?;
        self.rest = rest.chars();
        Ok(quoted.to_owned())
    }

    fn double_quoted(&mut self) -> Result<String, ExpandError> {
        let mut quoted = String::new();
        loop {
            match self.rest.next().ok_or(ExpandError::UnclosedQuote('"'))? {
                '"' => return Ok(quoted),
                '$' => quoted.push_str(&self.dollar()?),
                c if c == self.escape => self.escaped_in_quotes(&mut quoted),
                c => quoted.push(c),
            }
            check_length(&quoted)?;
        }
    }

    /// In double quotes the escape character means something before three characters alone.
    fn escaped_in_quotes(&mut self, quoted: &mut String) {
        let special = self
            .peek()
            .filter(|&c| c == '"' || c == '$' || c == self.escape);
        if special.is_none() || self.escapes == Escapes::Kept {
            quoted.push(self.escape);
        }
        if let Some(c) = special {
            self.rest.next();
            quoted.push(c);
        }
    }

    /// What a `$` that is taken already stands for, with what belongs to it.
    fn dollar(&mut self) -> Result<String, ExpandError> {
        if self.next_if('{') {
            return self.nested(Self::braced);
        }
        let name = self.name();
        match name.is_empty() {
            true => Ok("$".to_owned()),
            false => Ok(self.value(&name).unwrap_or_default()),
        }
    }

    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<String, ExpandError>,
    ) -> Result<String, ExpandError> {
        if self.depth == MAX_DEPTH {
            return Err(ExpandError::TooDeep(MAX_DEPTH));
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    /// A name: letters, digits and `_`; or a number; or one of the shell's special parameters.
    pub(super) fn name(&mut self) -> String {
        let text = self.rest.as_str();
        let Some(first) = text.chars().next() else {
            return String::new();
        };
        let is_part: fn(char) -> bool = match first {
            '@' | '*' | '#' | '?' | '-' | '$' | '!' => |_| false,
            _ if first.is_ascii_digit() => |c| c.is_ascii_digit(),
            _ if first.is_alphabetic() || first == '_' => |c| c.is_alphanumeric() || c == '_',
            _ => return String::new(),
        };
        let others = text.get(first.len_utf8()..).unwrap_or_default();
        let len = others.find(|c| !is_part(c)).unwrap_or(others.len());
        let (name, rest) = text.split_at(first.len_utf8() + len);
        self.rest = rest.chars();
        name.to_owned()
    }

    pub(super) fn value(&mut self, name: &str) -> Option<String> {
        let value = (self.expander.lookup)(name);
        let names = match value {
            Some(_) => &mut self.expander.used,
            None => &mut self.expander.unset,
        };
        if !names.contains(name) {
            names.insert(name.to_owned());
        }
        value
    }
}
