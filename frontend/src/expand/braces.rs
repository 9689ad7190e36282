//! What `${…}` stands for.

use super::ExpandError;
use super::builder::check_length;
use super::glob::{Budget, Glob, Reach};
use super::word::{Escapes, Reader};

impl Reader<'_, '_, '_> {
    /// What follows `${`.
    pub(super) fn braced(&mut self) -> Result<String, ExpandError> {
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
