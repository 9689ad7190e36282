//! One pattern of an ignore file.
//!
//! A pattern is cut at its slashes and at each `**`:
//!
//! ```text
//! a/*.o/**/b/c/**/d   →   [a, *.o]  then anywhere after it  [b, c]  then anywhere after it  [d]
//! ```
//!
//! Since what is below a match is matched, too, a path matches when all the runs are found in it
//! one after the other; taking each at the first place where it is found is enough. That takes
//! components times runs at most.

use super::IgnoreError;
use super::clean::clean;
use crate::pattern::{Pattern, PatternError};

/// How often a pattern may have `**` beside other characters: each time it stands for two
/// patterns.
pub(super) const MAX_SPLITS: usize = 4;

/// A pattern, and what it does with what it matches.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// `!`: what it matches is not left out.
    pub(super) puts_back: bool,
    /// More than one only for a `**` beside other characters.
    alternatives: Vec<Alternative>,
}

/// Where the first run of a pattern has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// At the root of the tree.
    Root,
    /// Behind a `**`.
    Anywhere,
}

#[derive(Debug, Clone)]
struct Alternative {
    anchor: Anchor,
    /// Each is found after the one before it. Never empty, nor is any of them.
    runs: Vec<Vec<Component>>,
}

/// What one component of a path is compared with.
#[derive(Debug, Clone)]
pub(super) enum Component {
    /// The name itself.
    Literal(Vec<u8>),
    /// A pattern.
    Glob(Pattern),
}

/// The components of a path.
pub(super) fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    path.split(|byte| *byte == b'/')
        .filter(|component| !matches!(*component, b"" | b"."))
}

impl Rule {
    /// Reads a pattern without blanks around it; `number` is for the error.
    pub(super) fn new(text: &str, number: usize) -> Result<Self, IgnoreError> {
        let (puts_back, text) = match text.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, text),
        };
        if text.is_empty() {
            return Err(IgnoreError::Empty { number });
        }
        let cleaned = clean(text);
        let pattern = cleaned.strip_prefix('/').unwrap_or(&cleaned);
        let invalid = |source| IgnoreError::Pattern { number, source };
        Pattern::new(pattern).map_err(invalid)?;
        let texts = split_alternatives(pattern).ok_or(IgnoreError::TooComplex { number })?;
        let alternatives = texts.iter().map(|text| Alternative::new(text));
        let alternatives = alternatives.collect::<Result<_, _>>().map_err(invalid)?;
        Ok(Self {
            puts_back,
            alternatives,
        })
    }

    /// Whether the path or a directory above it is matched.
    pub(super) fn matches(&self, path: &[u8]) -> bool {
        self.alternatives
            .iter()
            .any(|alternative| alternative.matches(path))
    }

    /// Whether a path below the directory may be matched.
    pub(super) fn may_match_below(&self, dir: &[u8]) -> bool {
        self.alternatives
            .iter()
            .any(|alternative| alternative.may_match_below(dir))
    }

    /// What a path must have in it to be matched: the component that each alternative begins with.
    pub(super) fn starts(&self) -> impl Iterator<Item = (Anchor, &Component)> {
        self.alternatives.iter().filter_map(|alternative| {
            let first = alternative.runs.first().and_then(|run| run.first());
            first.map(|first| (alternative.anchor, first))
        })
    }
}

impl Alternative {
    /// Reads a pattern whose every `**` is a component of its own.
    fn new(text: &str) -> Result<Self, PatternError> {
        let anchor = match text == "**" || !text.starts_with("**") {
            true => Anchor::Root,
            false => Anchor::Anywhere,
        };
        let mut runs: Vec<Vec<Component>> = Vec::new();
        let mut is_new = true;
        let mut components = text.split('/').peekable();
        while let Some(component) = components.next() {
            if component == "**" && components.peek().is_some() {
                is_new = true;
                continue;
            }
            // Everything below, which is what one component below matches, too.
            let component = if component == "**" { "*" } else { component };
            match runs.last_mut().filter(|_| !is_new) {
                Some(run) => run.push(Component::new(component)?),
                None => runs.push(vec![Component::new(component)?]),
            }
            is_new = false;
        }
        Ok(Self { anchor, runs })
    }

    fn matches(&self, path: &[u8]) -> bool {
        let mut rest = components(path);
        for (index, run) in self.runs.iter().enumerate() {
            let is_anchored = index == 0 && self.anchor == Anchor::Root;
            match find_run(run, rest, is_anchored) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        true
    }

    /// Once the first run is passed, or may begin anywhere, no directory rules anything out.
    fn may_match_below(&self, dir: &[u8]) -> bool {
        let Some(run) = self.runs.first().filter(|_| self.anchor == Anchor::Root) else {
            return true;
        };
        run.iter()
            .zip(components(dir))
            .all(|(component, name)| component.matches(name))
    }
}

/// What comes behind the first place where the run is found.
fn find_run<'p, I>(run: &[Component], mut path: I, is_anchored: bool) -> Option<I>
where
    I: Iterator<Item = &'p [u8]> + Clone,
{
    loop {
        let mut rest = path.clone();
        let is_here =
            |component: &Component| rest.next().is_some_and(|name| component.matches(name));
        if run.iter().all(is_here) {
            return Some(rest);
        }
        path.next().filter(|_| !is_anchored)?;
    }
}

impl Component {
    fn new(text: &str) -> Result<Self, PatternError> {
        let pattern = Pattern::new(text)?;
        Ok(match pattern.literal() {
            Some(name) => Self::Literal(name.to_owned()),
            None => Self::Glob(pattern),
        })
    }

    fn matches(&self, name: &[u8]) -> bool {
        match self {
            Self::Literal(own) => own == name,
            Self::Glob(pattern) => pattern.matches(name),
        }
    }
}

/// Writes every `**` as a component of its own, by moby's rules:
///
/// * `**x` at the beginning is `**/*x` when it is the pattern's only wildcard, else `**/x`;
/// * `x**` at the end is `x*`, for what is below is matched anyway;
/// * `x**y` is `xy` or `x*/**/y`, and so is `x**/y`.
fn split_alternatives(pattern: &str) -> Option<Vec<String>> {
    let (mut rest, mut texts) = match pattern.strip_prefix("**") {
        Some(rest) if !rest.is_empty() => leading(rest),
        _ => (pattern, vec![String::new()]),
    };
    let mut splits = 0;
    while let Some(at) = find_double_star(rest) {
        let (before, after) = (rest.get(..at)?, rest.get(at + 2..)?);
        texts.iter_mut().for_each(|text| text.push_str(before));
        rest = after.strip_prefix('/').unwrap_or(after);
        let is_component = texts
            .iter()
            .all(|text| text.is_empty() || text.ends_with('/'));
        match (rest.is_empty(), is_component) {
            (true, true) => texts.iter_mut().for_each(|text| text.push_str("**")),
            (true, false) => texts.iter_mut().for_each(|text| text.push('*')),
            (false, true) => texts.iter_mut().for_each(|text| text.push_str("**/")),
            (false, false) => {
                splits += 1;
                let apart: Vec<String> = texts.iter().map(|text| format!("{text}*/**/")).collect();
                texts.extend(apart);
            }
        }
        if splits > MAX_SPLITS {
            return None;
        }
    }
    texts.iter_mut().for_each(|text| text.push_str(rest));
    Some(texts)
}

fn leading(rest: &str) -> (&str, Vec<String>) {
    let has_wildcard = rest.contains(['*', '?', '[', ']', '\\']);
    match rest.strip_prefix('/') {
        Some(rest) => (rest, vec!["**/".to_owned()]),
        None if has_wildcard => (rest, vec!["**/".to_owned()]),
        None => (rest, vec!["**/*".to_owned()]),
    }
}

/// The place of the next `**` that is neither escaped nor in brackets.
fn find_double_star(pattern: &str) -> Option<usize> {
    let mut chars = pattern.char_indices();
    let mut in_class = false;
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '[' => in_class = true,
            ']' => in_class = false,
            '*' if !in_class && chars.as_str().starts_with('*') => return Some(at),
            _ => {}
        }
    }
    None
}
