//! What comes out of an expansion, and how it is put together.

use super::{ExpandError, MAX_EXPANSION};

/// What a text gave.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    /// As one word.
    pub(super) text: String,
    /// Split at the blanks that are neither quoted nor escaped.
    pub(super) words: Vec<String>,
}

/// Builds both readings of a text side by side.
#[derive(Debug, Default)]
pub(super) struct Builder {
    text: String,
    words: Vec<String>,
    word: String,
}

impl Builder {
    /// Takes a character that separates words if it is a blank.
    pub(super) fn plain(&mut self, c: char) {
        self.text.push(c);
        self.split(c);
    }

    /// Takes a character that is part of a word whatever it is.
    pub(super) fn quoted(&mut self, c: char) {
        self.text.push(c);
        self.word.push(c);
    }

    /// Takes the contents of quotes.
    pub(super) fn quoted_text(&mut self, text: &str) {
        self.text.push_str(text);
        self.word.push_str(text);
    }

    /// Takes a variable's value, whose blanks separate words.
    pub(super) fn value(&mut self, text: &str) {
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

    pub(super) fn check_length(&self) -> Result<(), ExpandError> {
        check_length(&self.text)
    }

    pub(super) fn finish(mut self) -> Expanded {
        self.end_word();
        Expanded {
            text: self.text,
            words: self.words,
        }
    }
}

/// Refuses a text that has become too long.
pub(super) fn check_length(text: &str) -> Result<(), ExpandError> {
    match text.len() > MAX_EXPANSION {
        true => Err(ExpandError::TooLong),
        false => Ok(()),
    }
}
