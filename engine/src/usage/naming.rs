//! What records of usage are called and where they come from, as cheap to make as to copy: there may
//! be 100,000 of them.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use iechor_snapshotter::Digest;
use serde::{Serialize, Serializer};

/// What prune's `id=` takes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UsageId {
    /// A cache key, a snapshot, an image or a content: `sha256:…`.
    Digest(Digest),
    /// The number of a build, the directory of a cache mount.
    Text(Arc<str>),
}

impl UsageId {
    /// What the digits of `id=` are compared with.
    pub fn digits(&self) -> String {
        match self {
            Self::Digest(digest) => digest.hex(),
            Self::Text(text) => text.to_string(),
        }
    }
}

impl UsageId {
    /// Writes what listings print after a text: 12 digits.
    pub fn push_short(&self, text: &mut String) {
        match self {
            Self::Digest(digest) => digest.push_short(text),
            Self::Text(id) => text.extend(id.chars().take(12)),
        }
    }
}

impl fmt::Display for UsageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digest(digest) => digest.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Serialize for UsageId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// `iEchorfile:12`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepPlace<'a> {
    /// The file as the user named it.
    pub file: Cow<'a, str>,
    /// Line in it, from 1.
    pub line: u32,
}

impl StepPlace<'_> {
    /// The same, borrowing nothing.
    pub(super) fn into_owned(self) -> StepPlace<'static> {
        StepPlace {
            file: Cow::Owned(self.file.into_owned()),
            line: self.line,
        }
    }
}

impl fmt::Display for StepPlace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl Serialize for StepPlace<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
