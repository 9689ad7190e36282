//! How a path is followed through a chain.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::{Follow, TreeError};
use crate::chain::Chain;
use crate::merge::{self, Merged};

/// How many symbolic links one path may lead through: the kernel's `MAXSYMLINKS`.
pub(super) const LINKS_MAX: usize = 40;

/// A component that was passed, and what is there; nothing from the first missing one on.
struct Step {
    name: Vec<u8>,
    found: Option<Merged>,
}

/// A walk from the root: the components passed, and those still to go, the next one last.
pub(super) struct Walk<'a> {
    chain: &'a Chain,
    trail: Vec<Step>,
    pending: Vec<Vec<u8>>,
    links: usize,
}

impl<'a> Walk<'a> {
    /// Walks to the end of `path`.
    pub(super) fn along(chain: &'a Chain, path: &Path, follow: Follow) -> Result<Self, TreeError> {
        let mut walk = Self {
            chain,
            trail: Vec::new(),
            pending: Vec::new(),
            links: 0,
        };
        walk.go_first(path.as_os_str().as_bytes());
        while let Some(component) = walk.pending.pop() {
            walk.step(component, follow);
            if walk.links > LINKS_MAX {
                return Err(TreeError::TooManyLinks(path.to_owned()));
            }
        }
        Ok(walk)
    }

    /// Where the walk ended, and what is there.
    pub(super) fn finish(self) -> (PathBuf, Option<Merged>) {
        let path: PathBuf = self
            .trail
            .iter()
            .map(|step| OsString::from_vec(step.name.clone()))
            .collect();
        let found = self.here();
        (path, found)
    }

    fn step(&mut self, component: Vec<u8>, follow: Follow) {
        match component.as_slice() {
            b"" | b"." => {}
            b".." => drop(self.trail.pop()),
            name => {
                let found = self.find(name);
                // A component follows, even an empty one after a slash: the link is passed through.
                let passed = follow == Follow::Last || !self.pending.is_empty();
                match found
                    .as_ref()
                    .and_then(|found| self.target(found))
                    .filter(|_| passed)
                {
                    Some(target) => self.follow(&target),
                    None => self.trail.push(Step {
                        name: component,
                        found,
                    }),
                }
            }
        }
    }

    fn find(&self, name: &[u8]) -> Option<Merged> {
        match self.trail.last() {
            None => merge::lookup(&merge::root(self.chain), name),
            Some(Step {
                found: Some(Merged::Dir(dir)),
                ..
            }) => merge::lookup(dir, name),
            Some(_) => None,
        }
    }

    /// What the walk has reached.
    fn here(&self) -> Option<Merged> {
        match self.trail.last() {
            None => Some(Merged::Dir(merge::root(self.chain))),
            Some(step) => step.found.clone(),
        }
    }

    /// Target of a symbolic link; none for anything else.
    fn target(&self, found: &Merged) -> Option<Vec<u8>> {
        let Merged::File(place) = found else {
            return None;
        };
        let target = place.index(self.chain).target(place.inode);
        (!target.is_empty()).then(|| target.to_vec())
    }

    fn follow(&mut self, target: &[u8]) {
        self.links += 1;
        if target.starts_with(b"/") {
            self.trail.clear();
        }
        self.go_first(target);
    }

    /// Puts the components of a path before those that are still to go.
    fn go_first(&mut self, path: &[u8]) {
        self.pending
            .extend(path.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec));
    }
}
