//! Which files an ignore file, or `COPY --exclude`, leaves out.
//!
//! The rules are those of moby's patternmatcher:
//!
//! * One pattern a line; a line that begins with `#` is a comment. Blanks around a pattern and a
//!   `/` before it mean nothing, and `.`, `..` and double slashes in it are resolved.
//! * A pattern matches a path from the root of the tree, and everything below what it matches.
//! * `*`, `?` and `[…]` are as in [`pattern`](crate::pattern) and stay inside one component; `**`
//!   stands for any number of components.
//! * `!` before a pattern puts back what it matches. Of all patterns that match, the last one
//!   counts.
//!
//! Paths are relative to the root of the tree, with `/` between components, and are bytes.
//!
//! # Walking a tree
//!
//! Ask for each entry in turn, and do not descend into a directory that is left out unless
//! something in it may have been put back:
//!
//! ```
//! # use iechor_frontend::ignore::IgnoreSet;
//! let ignored = IgnoreSet::parse("target\n!target/doc/*.md\n")?;
//! assert!(ignored.matches("target/debug/app"));
//! assert!(ignored.matches("target") && ignored.may_include_below("target"));
//! assert!(ignored.matches("target/debug") && !ignored.may_include_below("target/debug"));
//! assert!(!ignored.matches("target/doc/a.md"));
//! # Ok::<(), iechor_frontend::ignore::IgnoreError>(())
//! ```

mod clean;
mod rule;

use std::collections::HashMap;

use crate::pattern::PatternError;
use rule::{Component, Rule};

/// The longest ignore file, in bytes.
pub const MAX_TEXT: usize = 1 << 20;
/// The most patterns in one set.
pub const MAX_PATTERNS: usize = 10_000;

/// Patterns, ready to be asked about paths.
#[derive(Debug, Clone, Default)]
pub struct IgnoreSet {
    rules: Vec<Rule>,
    /// Rules whose match begins at the root with a component that is no pattern, by it.
    rooted: HashMap<Vec<u8>, Vec<usize>>,
    /// Rules whose match begins anywhere with such a component.
    floating: HashMap<Vec<u8>, Vec<usize>>,
    /// The rest, which have to be tried one by one.
    others: Vec<usize>,
}

/// Why a text is no list of patterns.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IgnoreError {
    /// The text is too long.
    #[error("the ignore file is longer than {MAX_TEXT} bytes")]
    TooLong,
    /// There are too many patterns.
    #[error("there are more than {MAX_PATTERNS} patterns")]
    TooMany,
    /// There is nothing behind a `!`.
    #[error("pattern {number}: nothing follows the !")]
    Empty {
        /// The line in the file, or the place in the list, from 1.
        number: usize,
    },
    /// A pattern is malformed.
    #[error("pattern {number}")]
    Pattern {
        /// The line in the file, or the place in the list, from 1.
        number: usize,
        /// What is wrong with it.
        source: PatternError,
    },
    /// `**` is beside other characters too often.
    #[error("pattern {number}: ** beside other characters may be used {max} times at most", max = rule::MAX_SPLITS)]
    TooComplex {
        /// The line in the file, or the place in the list, from 1.
        number: usize,
    },
}

impl IgnoreSet {
    /// Reads an ignore file.
    pub fn parse(text: &str) -> Result<Self, IgnoreError> {
        if text.len() > MAX_TEXT {
            return Err(IgnoreError::TooLong);
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text
            .lines()
            .map(|line| if line.starts_with('#') { "" } else { line });
        Self::new(lines)
    }

    /// Takes patterns from a list; empty ones mean nothing.
    pub fn new<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Result<Self, IgnoreError> {
        let mut set = Self::default();
        for (index, pattern) in patterns.into_iter().enumerate() {
            let pattern = pattern.trim();
            if pattern.is_empty() {
                continue;
            }
            if set.rules.len() >= MAX_PATTERNS {
                return Err(IgnoreError::TooMany);
            }
            set.add(Rule::new(pattern, index + 1)?);
        }
        Ok(set)
    }

    /// Whether there is no pattern, so that nothing is left out.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    fn add(&mut self, rule: Rule) {
        let index = self.rules.len();
        for start in rule.starts() {
            let list = match start {
                (rule::Anchor::Root, Component::Literal(name)) => {
                    self.rooted.entry(name.clone()).or_default()
                }
                (rule::Anchor::Anywhere, Component::Literal(name)) => {
                    self.floating.entry(name.clone()).or_default()
                }
                (_, Component::Glob(_)) => &mut self.others,
            };
            if list.last() != Some(&index) {
                list.push(index);
            }
        }
        self.rules.push(rule);
    }

    /// Whether the path is left out. The root of the tree never is.
    pub fn matches(&self, path: impl AsRef<[u8]>) -> bool {
        let path = path.as_ref();
        self.last_match(path)
            .is_some_and(|index| !self.puts_back(index))
    }

    /// Whether something below a directory that is left out may have been put back. When not,
    /// everything below it is left out, too.
    pub fn may_include_below(&self, dir: impl AsRef<[u8]>) -> bool {
        let dir = dir.as_ref();
        // What comes before the last match cannot change anything below it.
        let later = self.last_match(dir).map_or(0, |index| index + 1);
        let mut rules = self.rules.iter().skip(later);
        rules.any(|rule| rule.puts_back && rule.may_match_below(dir))
    }

    fn puts_back(&self, index: usize) -> bool {
        self.rules.get(index).is_some_and(|rule| rule.puts_back)
    }

    /// The last rule that matches the path or a directory above it.
    fn last_match(&self, path: &[u8]) -> Option<usize> {
        let root = rule::components(path).next();
        let rooted = root.and_then(|first| self.rooted.get(first));
        let mut last = self.last_of(rooted, path, None);
        if !self.floating.is_empty() {
            for component in rule::components(path) {
                last = self.last_of(self.floating.get(component), path, last);
            }
        }
        self.last_of(Some(&self.others), path, last)
    }

    /// The last of the candidates that matches, if it comes after `best`.
    fn last_of(
        &self,
        candidates: Option<&Vec<usize>>,
        path: &[u8],
        best: Option<usize>,
    ) -> Option<usize> {
        let later = |index: &&usize| best.is_none_or(|best| **index > best);
        let matches = |index: &&usize| self.rules.get(**index).is_some_and(|r| r.matches(path));
        let candidates = candidates.into_iter().flatten().rev().take_while(later);
        candidates.into_iter().find(matches).copied().or(best)
    }
}
