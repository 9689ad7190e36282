//! Paths resolved inside a layer's tree.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::NodeKind;
use super::entry::{EntryError, LINKS_MAX, Step, steps};
use super::overlaid::{Overlaid, Seen, SeenDir};
use crate::index::is_name;

/// Follows every symbolic link of `path`, never leaving the root.
pub(super) fn resolve(tree: Overlaid<'_>, path: &Path) -> Result<PathBuf, EntryError> {
    let mut walk = Walk {
        tree,
        position: Vec::new(),
        pending: Vec::new(),
        links: 0,
    };
    walk.prepend(path);
    while let Some(step) = walk.pending.pop() {
        walk.take(step)?;
    }
    Ok(walk
        .position
        .into_iter()
        .map(|(name, _)| OsString::from_vec(name))
        .collect())
}

struct Walk<'a> {
    tree: Overlaid<'a>,
    /// Names from the root to where the walk is; the directory behind each, where there is one.
    position: Vec<(Vec<u8>, Option<SeenDir>)>,
    /// Steps yet to take, the next one last.
    pending: Vec<Step>,
    links: usize,
}

impl Walk<'_> {
    fn prepend(&mut self, path: &Path) {
        self.pending.extend(steps(path).into_iter().rev());
    }

    fn take(&mut self, step: Step) -> Result<(), EntryError> {
        match step {
            Step::Root => self.position.clear(),
            Step::Parent => drop(self.position.pop()),
            Step::Name(name) if !is_name(&name) => return Err(EntryError::Path),
            Step::Name(name) => self.enter(name)?,
        }
        Ok(())
    }

    fn enter(&mut self, name: Vec<u8>) -> Result<(), EntryError> {
        let found = self
            .directory()
            .and_then(|dir| self.tree.lookup(&dir, &name));
        match found {
            Some(Seen::Dir(dir)) => self.position.push((name, Some(dir))),
            Some(leaf) => match self.tree.describe(&leaf).0 {
                NodeKind::Symlink(target) => self.follow(target)?,
                _ => self.position.push((name, None)),
            },
            None => self.position.push((name, None)),
        }
        Ok(())
    }

    /// Where the walk is; none past the first missing name.
    fn directory(&self) -> Option<SeenDir> {
        match self.position.last() {
            Some((_, dir)) => dir.clone(),
            None => Some(self.tree.root()),
        }
    }

    fn follow(&mut self, target: Vec<u8>) -> Result<(), EntryError> {
        self.links += 1;
        if self.links > LINKS_MAX {
            return Err(EntryError::TooManyLinks);
        }
        self.prepend(Path::new(&OsString::from_vec(target)));
        Ok(())
    }
}
