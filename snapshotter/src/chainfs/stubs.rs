//! Virtual entries: directories and files that one view shows and no layer has.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::views::ViewError;
use crate::chain::Chain;
use crate::merge::{self, Merged, MergedDir};
use crate::tree;

/// What a virtual entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VirtualKind {
    /// An empty directory, `0755 root:root`.
    Directory,
    /// An empty regular file, `0644 root:root`.
    File,
}

/// A mount point that a view shall have.
///
/// The path is followed inside the chain as chroot would, links included, and missing parents are
/// made. Where the chain has something of a fitting type already, that stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualEntry {
    /// Where, relative to the root of the chain; a leading `/` makes no difference.
    pub path: PathBuf,
    /// What.
    pub kind: VirtualKind,
}

/// Number of a node in [`Stubs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StubIdx(pub(super) u32);

/// The virtual entries of a view with everything above them, as a tree of names. Where the chain
/// has a node of the same path, the chain's shows, with these names added.
#[derive(Debug)]
pub(super) struct Stubs {
    nodes: Vec<Stub>,
}

#[derive(Debug)]
struct Stub {
    kind: VirtualKind,
    children: BTreeMap<Box<[u8]>, StubIdx>,
}

impl Stub {
    fn new(kind: VirtualKind) -> Self {
        Self {
            kind,
            children: BTreeMap::new(),
        }
    }
}

impl Stubs {
    pub(super) const ROOT: StubIdx = StubIdx(0);

    /// Finds each entry its place in a chain.
    pub(super) fn place(chain: &Chain, entries: &[VirtualEntry]) -> Result<Self, ViewError> {
        let mut stubs = Self {
            nodes: vec![Stub::new(VirtualKind::Directory)],
        };
        for entry in entries {
            let path = tree::real_path(chain, &entry.path)?;
            check_fit(chain, &path, entry.kind)?;
            stubs.insert(&path, entry.kind)?;
        }
        Ok(stubs)
    }

    pub(super) fn kind(&self, stub: StubIdx) -> VirtualKind {
        self.nodes[stub.0 as usize].kind
    }

    pub(super) fn child(&self, stub: StubIdx, name: &[u8]) -> Option<StubIdx> {
        self.nodes[stub.0 as usize].children.get(name).copied()
    }

    /// The names below a node, sorted.
    pub(super) fn children(&self, stub: StubIdx) -> impl Iterator<Item = (&[u8], StubIdx)> {
        self.nodes[stub.0 as usize]
            .children
            .iter()
            .map(|(name, child)| (name.as_ref(), *child))
    }

    /// The paths that these entries add to a chain, from the root: parents before children.
    pub(super) fn added(&self, chain: &Chain) -> Vec<PathBuf> {
        let mut added = Vec::new();
        let mut pending = vec![(Self::ROOT, PathBuf::from("/"), Some(merge::root(chain)))];
        while let Some((stub, path, dir)) = pending.pop() {
            for (name, child) in self.children(stub) {
                let path = path.join(OsStr::from_bytes(name));
                let found = dir.as_ref().and_then(|dir| merge::lookup(dir, name));
                if found.is_none() {
                    added.push(path.clone());
                }
                pending.push((child, path, found.and_then(into_dir)));
            }
        }
        added
    }

    fn insert(&mut self, path: &Path, kind: VirtualKind) -> Result<(), ViewError> {
        let mut at = Self::ROOT;
        let mut names = path.iter().peekable();
        while let Some(name) = names.next() {
            let kind = if names.peek().is_some() {
                VirtualKind::Directory
            } else {
                kind
            };
            at = self.descend(at, name, kind);
            match (kind, self.kind(at)) {
                (VirtualKind::Directory, VirtualKind::File) => {
                    return Err(ViewError::NotADirectory(path.to_owned()));
                }
                (VirtualKind::File, VirtualKind::Directory) => {
                    return Err(ViewError::IsADirectory(path.to_owned()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The child of this name, made if there is none.
    fn descend(&mut self, parent: StubIdx, name: &OsStr, kind: VirtualKind) -> StubIdx {
        if let Some(child) = self.child(parent, name.as_bytes()) {
            return child;
        }
        let child = StubIdx(self.nodes.len() as u32);
        self.nodes.push(Stub::new(kind));
        self.nodes[parent.0 as usize]
            .children
            .insert(name.as_bytes().into(), child);
        child
    }
}

/// Refuses an entry that would hide something of the chain.
fn check_fit(chain: &Chain, path: &Path, kind: VirtualKind) -> Result<(), ViewError> {
    let mut found = Merged::Dir(merge::root(chain));
    for name in path {
        let Merged::Dir(dir) = &found else {
            return Err(ViewError::NotADirectory(path.to_owned()));
        };
        match merge::lookup(dir, name.as_bytes()) {
            Some(next) => found = next,
            None => return Ok(()),
        }
    }
    match (kind, found) {
        (VirtualKind::Directory, Merged::File(_)) => Err(ViewError::NotADirectory(path.to_owned())),
        (VirtualKind::File, Merged::Dir(_)) => Err(ViewError::IsADirectory(path.to_owned())),
        _ => Ok(()),
    }
}

fn into_dir(found: Merged) -> Option<MergedDir> {
    match found {
        Merged::Dir(dir) => Some(dir),
        Merged::File(_) => None,
    }
}
