//! Reads one word: quotes, escapes and `$`.

use std::str::Chars;

use super::glob::{Budget, Glob, Reach};
use super::{ExpandError, Expander, MAX_EXPANSION};
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
enum Escapes {
    Removed,
    /// In patterns, which have their own use for it.
    Kept,
}

/// What a text gave.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    /// As one word.
    pub(super) text: String,
    /// Split at the blanks that are neither quoted nor escaped.
    pub(super) words: Vec<String>,
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

/// Builds both readings of a text side by side.
#[derive(Debug, Default)]
struct Builder {
    text: String,
    words: Vec<String>,
    word: String,
}

impl Builder {
    /// Takes a character that separates words if it is a blank.
    fn plain(&mut self, c: char) {
        self.text.push(c);
        self.split(c);
    }

    /// Takes a character that is part of a word whatever it is.
    fn quoted(&mut self, c: char) {
        self.text.push(c);
        self.word.push(c);
    }

    /// Takes the contents of quotes.
    fn quoted_text(&mut self, text: &str) {
        self.text.push_str(text);
        self.word.push_str(text);
    }

    /// Takes a variable's value, whose blanks separate words.
    fn value(&mut self, text: &str) {
        self.text.push_str(text);
        text.chars().for_each(|c| self.split(c));
    }

    fn split(&mut self, c: char) {
        match c.is_whitespace() {
            true => self.end_word(),
            false => self.word.push(c),
        }
    }

    fn end_word(&mut self) {
        if !self.word.is_empty() {
            self.words.push(std::mem::take(&mut self.word));
        }
    }

    fn check_length(&self) -> Result<(), ExpandError> {
        check_length(&self.text)
    }

    fn finish(mut self) -> Expanded {
        self.end_word();
        Expanded {
            text: self.text,
            words: self.words,
        }
    }
}

fn check_length(text: &str) -> Result<(), ExpandError> {
    match text.len() > MAX_EXPANSION {
        true => Err(ExpandError::TooLong),
        false => Ok(()),
    }
}

struct Reader<'t, 'x, 'a> {
    rest: Chars<'t>,
    expander: &'x mut Expander<'a>,
    escape: char,
    quotes: Quotes,
    escapes: Escapes,
    depth: usize,
}

impl Reader<'_, '_, '_> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn next_if(&mut self, wanted: char) -> bool {
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
    fn read_until(&mut self, stop: char, escapes: Escapes) -> Result<Option<String>, ExpandError> {
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
        Ok(stopped.then_some(built.text))
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
    fn name(&mut self) -> String {
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

    fn value(&mut self, name: &str) -> Option<String> {
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

    /// What follows `${`.
    fn braced(&mut self) -> Result<String, ExpandError> {
        match self.peek() {
            None => return Err(ExpandError::UnclosedBrace(String::new())),
            Some('{' | '}' | ':') => return Err(ExpandError::NoName),
            Some(_) => {}
        }
        let name = self.name();
        match self.rest.next() {
            None => Err(ExpandError::UnclosedBrace(name)),
            Some('}') => Ok(self.value(&name).unwrap_or_default()),
            Some(':') => self.conditional_with_colon(&name),
            Some(operator @ ('-' | '+' | '?')) => self.conditional(&name, operator, false),
            Some(end @ ('#' | '%')) => self.trimmed(&name, end),
            Some('/') => self.replaced(&name),
            Some(c) => Err(ExpandError::UnknownOperator {
                name,
                operator: c.to_string(),
            }),
        }
    }

    fn conditional_with_colon(&mut self, name: &str) -> Result<String, ExpandError> {
        match self.rest.next() {
            Some(operator @ ('-' | '+' | '?')) => self.conditional(name, operator, true),
            other => {
                let operator = std::iter::once(':').chain(other).collect();
                Err(ExpandError::UnknownOperator {
                    name: name.to_owned(),
                    operator,
                })
            }
        }
    }

    fn conditional(
        &mut self,
        name: &str,
        operator: char,
        empty_is_unset: bool,
    ) -> Result<String, ExpandError> {
        let word = self.operand(name, '}', Escapes::Removed)?;
        let value = self
            .value(name)
            .filter(|value| !(empty_is_unset && value.is_empty()));
        match (operator, value) {
            ('+', Some(_)) => Ok(word),
            ('+', None) => Ok(String::new()),
            (_, Some(value)) => Ok(value),
            ('-', None) => Ok(word),
            (_, None) => Err(required(name, word, empty_is_unset)),
        }
    }

    fn trimmed(&mut self, name: &str, end: char) -> Result<String, ExpandError> {
        let reach = match self.next_if(end) {
            true => Reach::Longest,
            false => Reach::Shortest,
        };
        let pattern = self.operand(name, '}', Escapes::Kept)?;
        let glob = parse_pattern(name, &pattern)?;
        let value = self.value(name).unwrap_or_default();
        let budget = &mut Budget::default();
        let kept = match end {
            '#' => glob.without_prefix(&value, reach, budget),
            _ => glob.without_suffix(&value, reach, budget),
        };
        kept.map(str::to_owned).ok_or(ExpandError::TooSlow(pattern))
    }

    fn replaced(&mut self, name: &str) -> Result<String, ExpandError> {
        let all = self.next_if('/');
        let pattern = self.operand(name, '/', Escapes::Kept)?;
        let with = self.operand(name, '}', Escapes::Kept)?;
        let glob = parse_pattern(name, &pattern)?;
        let value = self.value(name).unwrap_or_default();
        let limit = if all { usize::MAX } else { 1 };
        let replaced = glob.replace(&value, &with, limit, &mut Budget::default());
        let replaced = replaced.ok_or(ExpandError::TooSlow(pattern))?;
        check_length(&replaced)?;
        Ok(replaced)
    }

    fn operand(&mut self, name: &str, end: char, escapes: Escapes) -> Result<String, ExpandError> {
        let operand = self.read_until(end, escapes)?;
        operand.ok_or_else(|| ExpandError::UnclosedBrace(name.to_owned()))
    }
}

fn required(name: &str, word: String, empty_is_unset: bool) -> ExpandError {
    let message = match word.is_empty() {
        false => word,
        true if empty_is_unset => "is not allowed to be unset or empty".to_owned(),
        true => "is not allowed to be unset".to_owned(),
    };
    ExpandError::Required {
        name: name.to_owned(),
        message,
    }
}

fn parse_pattern(name: &str, pattern: &str) -> Result<Glob, ExpandError> {
    let bad = || ExpandError::BadPattern {
        name: name.to_owned(),
        pattern: pattern.to_owned(),
    };
    Glob::parse(pattern).ok_or_else(bad)
}
