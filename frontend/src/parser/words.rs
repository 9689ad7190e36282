//! Words in quotes.

use crate::fragment::Fragment;

/// Splits at blanks that are neither in quotes nor escaped; the words keep quotes and escapes.
///
/// A quote that is not closed goes on to the end; expansion is what complains about it.
pub(crate) fn quoted_words<'l>(line: &Fragment<'l>, escape: char) -> Vec<Fragment<'l>> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (word, next) = split_quoted_word(&rest, escape);
        words.push(word);
        rest = next;
    }
    words
}

/// The first of the [`quoted_words`], and what comes after the blanks behind it.
pub(crate) fn split_quoted_word<'l>(
    line: &Fragment<'l>,
    escape: char,
) -> (Fragment<'l>, Fragment<'l>) {
    let mut scanner = QuoteScanner::new(escape);
    let text = line.as_str();
    let end = text.find(|c: char| scanner.is_plain(c) && c.is_whitespace());
    let (word, rest) = line.split_at(end.unwrap_or(text.len()));
    (word, rest.trim())
}

/// Follows quotes and escapes from character to character.
#[derive(Debug)]
pub(crate) struct QuoteScanner {
    escape: char,
    quote: Option<char>,
    escaped: bool,
}

impl QuoteScanner {
    pub(crate) fn new(escape: char) -> Self {
        Self {
            escape,
            quote: None,
            escaped: false,
        }
    }

    /// Takes the next character and says whether it stands for itself, outside of quotes.
    pub(crate) fn is_plain(&mut self, c: char) -> bool {
        if std::mem::take(&mut self.escaped) {
            return false;
        }
        if c == self.escape && self.quote != Some('\'') {
            self.escaped = true;
            return false;
        }
        match self.quote {
            Some(quote) => {
                if c == quote {
                    self.quote = None;
                }
                false
            }
            None if c == '\'' || c == '"' => {
                self.quote = Some(c);
                false
            }
            None => true,
        }
    }

    /// Whether the text so far ends inside a quote.
    pub(crate) fn is_open(&self) -> bool {
        self.quote.is_some()
    }
}

/// The text without its quotes and escapes; none when a quote is not closed.
pub(crate) fn unquote(text: &str, escape: char) -> Option<String> {
    let mut scanner = QuoteScanner::new(escape);
    let mut plain = String::new();
    for c in text.chars() {
        let (was_quote, was_escaped) = (scanner.quote, scanner.escaped);
        let is_plain = scanner.is_plain(c);
        let is_syntax = was_quote != scanner.quote || scanner.escaped;
        if is_plain || was_escaped || !is_syntax {
            plain.push(c);
        }
    }
    (!scanner.is_open()).then_some(plain)
}
