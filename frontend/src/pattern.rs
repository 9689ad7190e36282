//! The wildcards of COPY and ADD sources: those of Go's `filepath.Match` on Linux.
//!
//! | written | matches |
//! | --- | --- |
//! | `*` | any number of characters other than `/` |
//! | `?` | one character other than `/` |
//! | `[a-z_]`, `[^a-z_]` | one character of the class, or not of it |
//! | `\c` | the character `c` |
//!
//! Names are bytes: what is not UTF-8 counts as one character a byte.

use std::str::Chars;

/// A pattern, ready to be matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    chunks: Vec<Chunk>,
}

/// What is between two stars.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Chunk {
    /// Whether a star is before it.
    after_star: bool,
    items: Items,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Items {
    /// Most chunks are plain text, and plain text is compared at once.
    Literal(Vec<u8>),
    /// The rest is compared item by item.
    Mixed(Vec<Item>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Byte(u8),
    /// `?`
    One,
    /// `[…]`
    Class(Class),
}

/// The characters in brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// A bracket is not closed, or nothing is in it.
    #[error(
        "invalid pattern {0:?}: [ begins a class of characters, which must not be empty and ends in ]"
    )]
    Class(String),
    /// A backslash is the last character.
    #[error("invalid pattern {0:?}: nothing follows the last \\")]
    TrailingEscape(String),
}

impl Pattern {
    /// Reads a pattern.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let mut chunks = Vec::new();
        let (mut after_star, mut items) = (false, Vec::new());
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                '*' => {
                    chunks.push(Chunk::new(after_star, std::mem::take(&mut items)));
                    after_star = true;
                }
                '?' => items.push(Item::One),
                '[' => items.push(Item::Class(parse_class(&mut rest, text)?)),
                '\\' => {
                    let missing = || PatternError::TrailingEscape(text.to_owned());
                    push_char(&mut items, rest.next().ok_or_else(missing)?);
                }
                _ => push_char(&mut items, c),
            }
        }
        chunks.push(Chunk::new(after_star, items));
        Ok(Self { chunks })
    }

    /// Whether the whole of `name` matches.
    pub fn matches(&self, name: impl AsRef<[u8]>) -> bool {
        let mut name = name.as_ref();
        let last = self.chunks.len().saturating_sub(1);
        for (index, chunk) in self.chunks.iter().enumerate() {
            match chunk.find(name, index == last) {
                Some(rest) => name = rest,
                None => return false,
            }
        }
        name.is_empty()
    }

    /// The one name that matches, if the pattern has no wildcard.
    pub fn literal(&self) -> Option<&[u8]> {
        match self.chunks.as_slice() {
            [
                Chunk {
                    after_star: false,
                    items: Items::Literal(name),
                },
            ] => Some(name),
            _ => None,
        }
    }
}

fn push_char(items: &mut Vec<Item>, c: char) {
    let mut buffer = [0; 4];
    items.extend(c.encode_utf8(&mut buffer).bytes().map(Item::Byte));
}

impl Chunk {
    fn new(after_star: bool, items: Vec<Item>) -> Self {
        let byte = |item: &Item| match item {
            Item::Byte(byte) => Some(*byte),
            _ => None,
        };
        let items = match items.iter().map(byte).collect() {
            Some(literal) => Items::Literal(literal),
            None => Items::Mixed(items),
        };
        Self { after_star, items }
    }

    /// What is left of `name` behind the first match; the last chunk must match up to the end.
    ///
    /// As in Go the first match counts, so that the time taken is pattern times name at most.
    fn find<'n>(&self, name: &'n [u8], is_last: bool) -> Option<&'n [u8]> {
        if let (Items::Literal(end), true, true) = (&self.items, self.after_star, is_last) {
            let before = name.strip_suffix(end.as_slice())?;
            return (!before.contains(&b'/')).then_some(&[]);
        }
        let mut start = name;
        loop {
            let rest = self
                .match_start(start)
                .filter(|rest| rest.is_empty() || !is_last);
            if rest.is_some() || !self.after_star {
                return rest;
            }
            start = match start.split_first() {
                Some((first, rest)) if *first != b'/' => rest,
                _ => return None,
            };
        }
    }

    /// What is left of `name` behind a match at its beginning.
    fn match_start<'n>(&self, name: &'n [u8]) -> Option<&'n [u8]> {
        match &self.items {
            Items::Literal(literal) => name.strip_prefix(literal.as_slice()),
            Items::Mixed(items) => items
                .iter()
                .try_fold(name, |name, item| item.match_start(name)),
        }
    }
}

impl Item {
    fn match_start<'n>(&self, name: &'n [u8]) -> Option<&'n [u8]> {
        match self {
            Self::Byte(byte) => name.strip_prefix(&[*byte]),
            Self::One => split_char(name)
                .filter(|(c, _)| *c != '/')
                .map(|(_, rest)| rest),
            Self::Class(class) => split_char(name)
                .filter(|(c, _)| class.contains(*c))
                .map(|(_, rest)| rest),
        }
    }
}

impl Class {
    fn contains(&self, c: char) -> bool {
        self.ranges
            .iter()
            .any(|(low, high)| (*low..=*high).contains(&c))
            != self.negated
    }
}

/// The first character of some bytes; U+FFFD for a byte that is none.
fn split_char(bytes: &[u8]) -> Option<(char, &[u8])> {
    let first = *bytes.first()?;
    let len = match first {
        0..0x80 => return Some((char::from(first), bytes.get(1..)?)),
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    };
    let decoded = bytes
        .get(..len)
        .and_then(|bytes| std::str::from_utf8(bytes).ok());
    match decoded.and_then(|text| text.chars().next()) {
        Some(c) => Some((c, bytes.get(len..)?)),
        None => Some((char::REPLACEMENT_CHARACTER, bytes.get(1..)?)),
    }
}

/// Reads what follows a `[`, up to and with the `]`.
fn parse_class(rest: &mut Chars<'_>, text: &str) -> Result<Class, PatternError> {
    let bad = || PatternError::Class(text.to_owned());
    let negated = rest.as_str().starts_with('^');
    if negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    loop {
        if rest.as_str().starts_with(']') && !ranges.is_empty() {
            rest.next();
            return Ok(Class { negated, ranges });
        }
        let low = class_char(rest).ok_or_else(bad)?;
        let mut high = low;
        if rest.as_str().starts_with('-') {
            rest.next();
            high = class_char(rest).ok_or_else(bad)?;
        }
        ranges.push((low, high));
    }
}

/// One character of a class. `-` and `]` stand for themselves behind a backslash alone.
fn class_char(rest: &mut Chars<'_>) -> Option<char> {
    match rest.next()? {
        '-' | ']' => None,
        '\\' => rest.next(),
        c => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, name: &str, expected: bool) {
        let matched = Pattern::new(pattern).unwrap().matches(name);
        assert_eq!(matched, expected, "{pattern} on {name}");
    }

    #[test]
    fn matches_what_go_matches() {
        for (pattern, name) in [
            ("abc", "abc"),
            ("*", "abc"),
            ("*", ""),
            ("*c", "abc"),
            ("a*", "abc"),
            ("a*/b", "abc/b"),
            ("a*b*c*d*e*/f", "axbxcxdxe/f"),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/f"),
            ("a*b?c*x", "abxbbxdbxebxczzx"),
            ("ab[c]", "abc"),
            ("ab[b-d]", "abc"),
            ("ab[^e-g]", "abc"),
            ("a\\*b", "a*b"),
            ("a?b", "a☺b"),
            ("a[^a]b", "a☺b"),
            ("[a-ζ]*", "α"),
            ("*[a-ζ]", "a"),
            ("[\\]a]", "]"),
            ("[\\-]", "-"),
            ("[x\\-]", "x"),
            ("[^-z]".replace("^-", "^\\-").as_str(), "a"),
            ("*x", "xxx"),
            ("a[^x]b", "a/b"),
        ] {
            check(pattern, name, true);
        }
    }

    #[test]
    fn leaves_what_go_leaves() {
        for (pattern, name) in [
            ("abc", "ab"),
            ("*", "a/b"),
            ("a*", "ab/c"),
            ("a*/b", "a/c/b"),
            ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f"),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/fff"),
            ("a*b?c*x", "abxbbxdbxebxczzy"),
            ("ab[e-g]", "abc"),
            ("ab[^b-d]", "abc"),
            ("a\\*b", "ab"),
            ("a???b", "a☺b"),
            ("a[^a][^a][^a]b", "a☺b"),
            ("a?b", "a/b"),
            ("a*b", "a/b"),
            ("[x\\-]", "z"),
            ("[b-a]", "a"),
            ("", "a"),
        ] {
            check(pattern, name, false);
        }
    }

    #[test]
    fn refuses_what_go_refuses() {
        for pattern in [
            "[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[", "[^", "[^bc", "a[", "a\\", "[]", "[a-",
        ] {
            assert!(Pattern::new(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn names_need_not_be_utf8() {
        assert!(Pattern::new("a?b").unwrap().matches(b"a\xffb"));
        assert!(Pattern::new("*.c").unwrap().matches(b"\xff\xfe.c"));
    }

    #[test]
    fn a_pattern_without_wildcards_is_a_name() {
        assert_eq!(
            Pattern::new("a\\*b/é").unwrap().literal(),
            Some("a*b/é".as_bytes())
        );
        assert_eq!(Pattern::new("a*").unwrap().literal(), None);
        assert_eq!(Pattern::new("[a]").unwrap().literal(), None);
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = Pattern::new(&format!("{}b", "a*".repeat(200))).unwrap();
        assert!(!pattern.matches("a".repeat(20_000)));
    }
}
