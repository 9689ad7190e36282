//! The walk through both trees at once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::change::aspects;
use super::side::{Item, Side};
use super::upper::Uppers;
use super::{Change, ChangeKind, DiffError};
use crate::files::{Facts, FileType, absolute};

/// What both sides have under one name.
type Pair = (Option<Item>, Option<Item>);

/// Two trees, and the differences found so far.
pub(super) struct Walk<'a> {
    before: &'a Side,
    after: &'a Side,
    changes: Vec<Change>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(before: &'a Side, after: &'a Side) -> Self {
        Self {
            before,
            after,
            changes: Vec::new(),
        }
    }

    pub(super) fn run(mut self) -> Result<Vec<Change>, DiffError> {
        let roots = (self.before.root()?, self.after.root()?);
        let uppers = match (self.before, self.after) {
            (Side::Files(before), Side::Files(after)) => {
                Uppers::of_roots(before.tree().chain(), after.tree().chain())
            }
            _ => None,
        };
        self.both(Path::new(""), &roots.0, &roots.1, uppers)?;
        Ok(self.changes)
    }

    /// Compares what is at a path on both sides, and what is in it.
    fn both(
        &mut self,
        path: &Path,
        before: &Item,
        after: &Item,
        uppers: Option<Uppers<'_>>,
    ) -> Result<(), DiffError> {
        self.compare(path, before, after)?;
        let pairs = match uppers.as_ref() {
            _ if !before.is_dir() && !after.is_dir() => return Ok(()),
            Some(uppers) => self.that_may_differ(path, uppers)?,
            None => self.all(before, after)?,
        };
        for (name, pair) in pairs {
            let inside = uppers
                .as_ref()
                .and_then(|uppers| uppers.enter(name.as_bytes()));
            self.pair(&path.join(&name), pair, inside)?;
        }
        Ok(())
    }

    fn pair(
        &mut self,
        path: &Path,
        pair: Pair,
        uppers: Option<Uppers<'_>>,
    ) -> Result<(), DiffError> {
        match pair {
            (Some(before), Some(after)) => self.both(path, &before, &after, uppers),
            (Some(before), None) => self.one(path, &before, ChangeKind::Deleted),
            (None, Some(after)) => self.one(path, &after, ChangeKind::Added),
            (None, None) => Ok(()),
        }
    }

    /// Tells something that only one side has, with everything in it.
    fn one(&mut self, path: &Path, item: &Item, kind: ChangeKind) -> Result<(), DiffError> {
        let facts = item.facts()?;
        let (side, before, after) = match kind {
            ChangeKind::Deleted => (self.before, Some(facts), None),
            _ => (self.after, None, Some(facts)),
        };
        self.tell(path, kind, before, after);
        for (name, child) in side.children(item)? {
            self.one(&path.join(name), &child, kind)?;
        }
        Ok(())
    }

    fn compare(&mut self, path: &Path, before: &Item, after: &Item) -> Result<(), DiffError> {
        if before.is_inode(after) {
            return Ok(());
        }
        let (mut old, mut new) = (before.facts()?, after.facts()?);
        if could_be_equal(&old, &new) {
            before.read_into(&mut old)?;
            after.read_into(&mut new)?;
        }
        if !aspects(&old, &new).is_empty() {
            self.tell(path, ChangeKind::Modified, Some(old), Some(new));
        }
        Ok(())
    }

    fn tell(
        &mut self,
        path: &Path,
        change: ChangeKind,
        before: Option<Facts>,
        after: Option<Facts>,
    ) {
        let differs = match (&before, &after) {
            (Some(before), Some(after)) => aspects(before, after),
            _ => Vec::new(),
        };
        self.changes.push(Change {
            path: absolute(path),
            change,
            differs,
            before,
            after,
        });
    }

    /// The entries that layers of only one chain have.
    fn that_may_differ(
        &self,
        dir: &Path,
        uppers: &Uppers<'_>,
    ) -> Result<Vec<(OsString, Pair)>, DiffError> {
        let pair = |name: OsString| {
            let before = self.before.child(dir, &name)?;
            let after = self.after.child(dir, &name)?;
            Ok((name, (before, after)))
        };
        uppers.names().into_iter().map(pair).collect()
    }

    /// The entries of both directories by name; what is no directory has none.
    fn all(&self, before: &Item, after: &Item) -> Result<Vec<(OsString, Pair)>, DiffError> {
        let mut pairs: BTreeMap<OsString, Pair> = BTreeMap::new();
        for (name, item) in self.before.children(before)? {
            pairs.entry(name).or_default().0 = Some(item);
        }
        for (name, item) in self.after.children(after)? {
            pairs.entry(name).or_default().1 = Some(item);
        }
        Ok(pairs.into_iter().collect())
    }
}

/// Whether only the contents of two regular files can tell them apart.
fn could_be_equal(one: &Facts, other: &Facts) -> bool {
    let is_file = |facts: &Facts| facts.file_type == FileType::File;
    is_file(one) && is_file(other) && one.size == other.size
}
