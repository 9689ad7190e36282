//! Filters of prune and listings: `until=24h`, `type!=run`, `file~=*/Dockerfile`, `shared`.

use std::str::FromStr;

use super::moment;
use super::pattern::{Operator, Pattern};
use crate::time::UnixMillis;

/// The keys, as errors list them.
const KEYS: &str =
    "until, unused-for, id, type, stage, file, image, failed, shared, private, inuse";

/// What `type` can be, besides the words of instructions.
const THINGS: [&str; 11] = [
    "step",
    "meta",
    "commit",
    "context",
    "failed",
    "image",
    "layer",
    "cache-mount",
    "content",
    "logs",
    "leftover",
];

/// Words of instructions, which are types as well.
const INSTRUCTIONS: [&str; 18] = [
    "add",
    "arg",
    "cmd",
    "copy",
    "entrypoint",
    "env",
    "expose",
    "from",
    "healthcheck",
    "label",
    "maintainer",
    "onbuild",
    "run",
    "shell",
    "stopsignal",
    "user",
    "volume",
    "workdir",
];

/// What other builders call a type.
const SYNONYMS: [(&str, &str); 3] = [
    ("regular", "step"),
    ("exec.cachemount", "cache-mount"),
    ("source.local", "context"),
];

/// One condition on a record or a failed state.
///
/// | key | holds for |
/// | --- | --- |
/// | `until` | what was last used that long ago, or before that point in time |
/// | `unused-for` | what was last used that long ago |
/// | `id` | key or snapshot with this prefix |
/// | `type` | instructions of this word (`run`, `copy`, ...), and what `du` lists under TYPE; `meta`: steps that make no layer |
/// | `stage`, `file` | the stage's name or index, the iEchorfile or the end of its path |
/// | `image` | what the image of this name or id is made of |
/// | `failed`, `shared`, `private`, `inuse` | alone or with `=true`, `=false` |
///
/// An image without a name goes with the step that made it, and is what that is besides being of type
/// `image`.
///
/// A condition on a stage, a file or an image, `!=` as well, does not hold for what has none: cache
/// mounts, contents, logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(Condition);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    Unused(Reversible, Since),
    Id(Pattern),
    Type(Pattern),
    Stage(Pattern),
    File(Pattern),
    Image(Pattern),
    Is(Trait, bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reversible {
    As,
    Not,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since {
    Age(u64),
    Point(UnixMillis),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trait {
    Failed,
    Shared,
    Private,
    InUse,
}

/// Why a filter was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// No such key.
    #[error("unknown filter {0:?}; the filters are {KEYS}")]
    Key(String),
    /// The value is none that the key takes.
    #[error("filter {key} cannot be {value:?}: {expected}")]
    Value {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
    /// Nothing is of this type.
    #[error(
        "filter type cannot be {value:?}: give {types}, or the word of an instruction, such as run",
        types = THINGS.join(", ")
    )]
    Type {
        /// The value.
        value: String,
    },
    /// The key does not take the operator.
    #[error("filter {key} takes = and != only")]
    Operator {
        /// The key.
        key: String,
    },
}

/// What filters ask about one thing.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// What names it: digests in hexadecimal digits, or a number.
    pub ids: &'a dyn Fn() -> Vec<String>,
    /// What it is, in lower case.
    pub kinds: &'a [&'a str],
    /// Index and name of its stage, if it has one.
    pub stage: Option<(u32, Option<&'a str>)>,
    /// Its iEchorfile, if it has one.
    pub file: Option<&'a str>,
    /// What the images made of it are called, if any can be.
    pub images: Option<&'a dyn Fn() -> Vec<String>>,
    /// When it was last used.
    pub last_used: UnixMillis,
    /// Whether it is the state of a failed step.
    pub failed: bool,
    /// Whether a build, a mount or an image uses it.
    pub in_use: bool,
    /// Whether something else has part of its content as well.
    pub shared: &'a dyn Fn() -> bool,
}

impl std::fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject")
            .field("kinds", &self.kinds)
            .finish_non_exhaustive()
    }
}

impl Filter {
    /// Whether it says which things are meant, by `id` or `type`, and not only which are not.
    pub fn names_things(&self) -> bool {
        match &self.0 {
            Condition::Id(pattern) | Condition::Type(pattern) => !pattern.is_negative(),
            _ => false,
        }
    }

    /// Whether the condition holds.
    pub fn matches(&self, subject: &Subject<'_>, now: UnixMillis) -> bool {
        match &self.0 {
            Condition::Unused(sense, since) => {
                since.reached(subject.last_used, now) == (*sense == Reversible::As)
            }
            Condition::Id(pattern) => {
                pattern.matches_any_prefix((subject.ids)().iter().map(String::as_str))
            }
            Condition::Type(pattern) => pattern.matches_any(subject.kinds.iter().copied()),
            Condition::Stage(pattern) => subject.stage.is_some_and(|(index, name)| {
                pattern.matches_any(name.into_iter().chain([index.to_string().as_str()]))
            }),
            Condition::File(pattern) => subject.file.is_some_and(|file| pattern.matches_path(file)),
            Condition::Image(pattern) => subject
                .images
                .is_some_and(|images| pattern.matches_any(images().iter().map(String::as_str))),
            Condition::Is(property, wanted) => property.of(subject) == *wanted,
        }
    }
}

impl Since {
    fn reached(self, last_used: UnixMillis, now: UnixMillis) -> bool {
        match self {
            Self::Age(age) => now.since(last_used) >= age,
            Self::Point(point) => last_used < point,
        }
    }
}

impl Trait {
    fn of(self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Failed => subject.failed,
            Self::Shared => (subject.shared)(),
            Self::Private => !(subject.shared)(),
            Self::InUse => subject.in_use,
        }
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let (key, comparison) = split(text);
        let texts = |make: fn(Pattern) -> Condition| pattern(key, comparison).map(make);
        match key {
            "until" => unused(key, comparison, |value| {
                moment::age(value)
                    .map(Since::Age)
                    .or_else(|| moment::point(value).map(Since::Point))
            }),
            "unused-for" => unused(key, comparison, |value| moment::age(value).map(Since::Age)),
            "id" => pattern(key, comparison.map(without_algorithm)).map(Condition::Id),
            "type" => kind(comparison).map(Condition::Type),
            "stage" => texts(Condition::Stage),
            "file" => texts(Condition::File),
            "image" => pattern(key, comparison.map(without_algorithm)).map(Condition::Image),
            "failed" => flag(key, Trait::Failed, comparison),
            "shared" => flag(key, Trait::Shared, comparison),
            "private" => flag(key, Trait::Private, comparison),
            "inuse" => flag(key, Trait::InUse, comparison),
            _ => Err(FilterError::Key(key.to_owned())),
        }
        .map(Self)
    }
}

type Comparison<'a> = (Operator, &'a str);

/// Key, operator and value; a key alone has no comparison.
fn split(text: &str) -> (&str, Option<Comparison<'_>>) {
    let Some((left, value)) = text.split_once('=') else {
        return (text.trim(), None);
    };
    let value = value.strip_prefix('=').unwrap_or(value).trim();
    let (key, operator) = match (left.strip_suffix('!'), left.strip_suffix('~')) {
        (Some(key), _) => (key, Operator::NotEqual),
        (_, Some(key)) => (key, Operator::Like),
        _ => (left, Operator::Equal),
    };
    (key.trim(), Some((operator, value)))
}

fn without_algorithm((operator, value): Comparison<'_>) -> Comparison<'_> {
    (operator, value.strip_prefix("sha256:").unwrap_or(value))
}

fn pattern(key: &str, comparison: Option<Comparison<'_>>) -> Result<Pattern, FilterError> {
    match comparison {
        Some((operator, value)) if !value.is_empty() => Ok(Pattern::new(operator, value)),
        _ => Err(refuse(key, "", "it needs a value")),
    }
}

/// One of the types; of a pattern nobody can say whether it will ever fit.
fn kind(comparison: Option<Comparison<'_>>) -> Result<Pattern, FilterError> {
    let Some((operator, value)) = comparison else {
        return pattern("type", None);
    };
    let lower = value.to_lowercase();
    let synonym = SYNONYMS.iter().find(|(theirs, _)| *theirs == lower);
    let ours = synonym.map_or(lower.as_str(), |(_, ours)| ours);
    let is_known = THINGS.iter().chain(&INSTRUCTIONS).any(|it| *it == ours);
    match operator {
        Operator::Equal | Operator::NotEqual if !is_known && !ours.is_empty() => {
            Err(FilterError::Type {
                value: value.to_owned(),
            })
        }
        _ => pattern("type", Some((operator, ours))),
    }
}

fn unused(
    key: &str,
    comparison: Option<Comparison<'_>>,
    read: impl Fn(&str) -> Option<Since>,
) -> Result<Condition, FilterError> {
    let (operator, value) = comparison.unwrap_or((Operator::Equal, ""));
    let expected =
        "give an age such as 24h or 7d, or for until a time such as 2026-11-22T10:00:00Z";
    let since = read(value).ok_or_else(|| refuse(key, value, expected))?;
    Ok(Condition::Unused(sense(key, operator)?, since))
}

fn flag(
    key: &str,
    property: Trait,
    comparison: Option<Comparison<'_>>,
) -> Result<Condition, FilterError> {
    let (operator, value) = comparison.unwrap_or((Operator::Equal, "true"));
    let wanted = match value {
        "true" | "1" => true,
        "false" | "0" => false,
        _ => return Err(refuse(key, value, "give true or false")),
    };
    Ok(Condition::Is(
        property,
        wanted == (sense(key, operator)? == Reversible::As),
    ))
}

fn sense(key: &str, operator: Operator) -> Result<Reversible, FilterError> {
    match operator {
        Operator::Equal => Ok(Reversible::As),
        Operator::NotEqual => Ok(Reversible::Not),
        Operator::Like => Err(FilterError::Operator {
            key: key.to_owned(),
        }),
    }
}

fn refuse(key: &str, value: &str, expected: &'static str) -> FilterError {
    FilterError::Value {
        key: key.to_owned(),
        value: value.to_owned(),
        expected,
    }
}
