//! The patterns of `${name#pattern}`, `${name%pattern}` and `${name/pattern/word}`.

use super::MAX_EXPANSION;

/// `*` and `?`, without bracket expressions.
#[derive(Debug)]
pub(super) struct Glob {
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Char(char),
    /// `?`: any character but a line end.
    One,
    /// `*`: any number of them.
    Many,
}

impl Token {
    fn matches(self, c: char) -> bool {
        match self {
            Self::Char(own) => own == c,
            Self::One | Self::Many => c != '\n',
        }
    }
}

/// Which of several matches is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Shortest,
    Longest,
}

/// How much more work may be done. Matching takes at most pattern times value steps from each
/// place where a match can begin, so somebody can ask for too much.
#[derive(Debug)]
pub(super) struct Budget(u64);

impl Default for Budget {
    fn default() -> Self {
        Self(1 << 24)
    }
}

impl Budget {
    fn spend(&mut self, steps: usize) -> Option<()> {
        self.0 = self.0.checked_sub(u64::try_from(steps).ok()?)?;
        Some(())
    }
}

impl Glob {
    /// None when a backslash is before a character that needs none.
    pub(super) fn parse(pattern: &str) -> Option<Self> {
        let mut chars = pattern.chars();
        let mut tokens = Vec::new();
        while let Some(c) = chars.next() {
            tokens.push(match c {
                '*' => Token::Many,
                '?' => Token::One,
                '\\' => Token::Char(chars.next().filter(|c| "*?\\/}".contains(*c))?),
                _ => Token::Char(c),
            });
        }
        Some(Self { tokens })
    }

    /// `value` without the prefix that matches. Like the others, none when the budget is spent.
    pub(super) fn without_prefix<'v>(
        &self,
        value: &'v str,
        reach: Reach,
        budget: &mut Budget,
    ) -> Option<&'v str> {
        let len = find_match(&self.tokens, value.chars(), reach, budget)?;
        Some(len.and_then(|len| value.get(len..)).unwrap_or(value))
    }

    /// `value` without the suffix that matches.
    pub(super) fn without_suffix<'v>(
        &self,
        value: &'v str,
        reach: Reach,
        budget: &mut Budget,
    ) -> Option<&'v str> {
        let backwards: Vec<Token> = self.tokens.iter().rev().copied().collect();
        let len = find_match(&backwards, value.chars().rev(), reach, budget)?;
        let kept = len.and_then(|len| value.get(..value.len().saturating_sub(len)));
        Some(kept.unwrap_or(value))
    }

    /// `value` with up to `limit` matches replaced, each the longest at the first place where
    /// there is one. May stop early once the text is too long to be accepted.
    pub(super) fn replace(
        &self,
        value: &str,
        with: &str,
        limit: usize,
        budget: &mut Budget,
    ) -> Option<String> {
        if self.tokens.is_empty() {
            return Some(value.to_owned());
        }
        let mut replaced = String::new();
        let (mut rest, mut left, mut after_match) = (value, limit, false);
        while left > 0 && replaced.len() <= MAX_EXPANSION {
            let found = find_match(&self.tokens, rest.chars(), Reach::Longest, budget)?;
            // An empty match right behind a match is the end of that match, not another one.
            let found = found.filter(|&len| len > 0 || !after_match);
            if found.is_some() {
                replaced.push_str(with);
                left -= 1;
            }
            after_match = found.is_some_and(|len| len > 0);
            let matched = found.unwrap_or(0);
            let copied = match matched {
                0 => rest.chars().next().map_or(0, char::len_utf8),
                _ => 0,
            };
            replaced.push_str(rest.get(..copied)?);
            if rest.is_empty() {
                break;
            }
            rest = rest.get(matched + copied..)?;
        }
        replaced.push_str(rest);
        Some(replaced)
    }
}

/// Length in bytes of the match at the beginning of `text`, if there is one; none at all when the
/// budget is spent.
///
/// Follows every way to match at once: `states[i]` says whether the tokens before `i` can have
/// matched what was read.
fn find_match(
    tokens: &[Token],
    text: impl Iterator<Item = char>,
    reach: Reach,
    budget: &mut Budget,
) -> Option<Option<usize>> {
    let mut states = vec![false; tokens.len() + 1];
    if let Some(first) = states.first_mut() {
        *first = true;
    }
    pass_stars(tokens, &mut states);
    let (mut len, mut found) = (0, None);
    let mut text = text;
    loop {
        if states.last() == Some(&true) {
            found = Some(len);
            if reach == Reach::Shortest {
                return Some(found);
            }
        }
        let Some(c) = text.next() else {
            return Some(found);
        };
        budget.spend(states.len())?;
        if !advance(tokens, &mut states, c) {
            return Some(found);
        }
        len += c.len_utf8();
    }
}

/// Reads one character; false when nothing can match any more.
fn advance(tokens: &[Token], states: &mut [bool], c: char) -> bool {
    let mut alive = false;
    let mut from_left = false;
    for (index, state) in states.iter_mut().enumerate() {
        let token = tokens.get(index);
        let here = std::mem::replace(state, from_left);
        let passes = here && token.is_some_and(|token| token.matches(c));
        // A star keeps its place; anything else moves on.
        *state |= passes && token == Some(&Token::Many);
        from_left = passes && token != Some(&Token::Many);
        alive |= *state;
    }
    pass_stars(tokens, states);
    alive
}

/// A star may match nothing.
fn pass_stars(tokens: &[Token], states: &mut [bool]) {
    let mut reached = false;
    for (index, state) in states.iter_mut().enumerate() {
        *state |= reached;
        reached = *state && tokens.get(index) == Some(&Token::Many);
    }
}
