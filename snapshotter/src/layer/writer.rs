//! Layers made entry by entry.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::draft::{Directory, Draft, Join, NodeIdx, Payload, Slot};
use super::entry::{self, EntryError, components};
use super::overlaid::{Overlaid, Seen, SeenDir, SeenLeaf, bare_root, lookup_below, root_metadata};
use super::prune::changes_nothing;
use super::resolve;
use super::{Metadata, NodeKind, Timestamp};
use crate::chain::Chain;
use crate::merge::Merged;
use crate::store::lock::IngestLock;
use crate::store::{SnapshotStore, StoreError};

/// Builds a layer in memory: entries by path, in any order, later ones winning.
///
/// Paths are relative to the root (a leading `/` is dropped), have no `.` or `..`, and are taken
/// literally: the caller has resolved symbolic links. Contents are in the blob store already.
/// Holds the store's ingest lock, so that no blob it names is swept before the commit.
#[derive(Debug)]
pub struct LayerWriter {
    store: SnapshotStore,
    parent: Chain,
    draft: Draft,
    lock: IngestLock,
}

impl LayerWriter {
    pub(crate) fn new(store: SnapshotStore, parent: Chain, lock: IngestLock) -> Self {
        let draft = Draft::new(root_metadata(&parent));
        Self {
            store,
            parent,
            draft,
            lock,
        }
    }

    /// Adds an entry, or replaces what this layer or the chain below has at that path.
    ///
    /// A directory over a directory keeps the children and takes the new metadata; a directory
    /// over anything else starts empty; anything else over a directory hides its whole tree.
    /// Missing parents take their metadata from the chain below, else `0755 root:root` and the
    /// entry's own mtime.
    pub fn put(
        &mut self,
        path: &Path,
        kind: NodeKind,
        metadata: Metadata,
    ) -> Result<(), StoreError> {
        self.try_put(path, kind, metadata).map_err(at(path))
    }

    fn try_put(
        &mut self,
        path: &Path,
        kind: NodeKind,
        metadata: Metadata,
    ) -> Result<(), EntryError> {
        entry::check_kind(&kind)?;
        let metadata = entry::normalise(metadata)?;
        let names = components(path)?;
        if kind == NodeKind::Directory {
            let dir = self.materialise(&names, metadata.mtime)?;
            self.draft.node_mut(dir.node).metadata = metadata;
            return Ok(());
        }
        let (name, parents) = names.split_last().ok_or(EntryError::Root)?;
        let parent = self.materialise_parents(parents, metadata.mtime)?;
        let node = self.draft.add(Payload::Leaf(kind), metadata);
        self.draft.set(parent.node, name, Slot::Node(node));
        Ok(())
    }

    /// Makes `path` another name of the file at `target`, which this layer or the chain below
    /// has; one below is copied up, by reference to its blob, so that both names are one inode.
    pub fn link(&mut self, path: &Path, target: &Path) -> Result<(), StoreError> {
        self.try_link(path, target).map_err(at(path))
    }

    fn try_link(&mut self, path: &Path, target: &Path) -> Result<(), EntryError> {
        let node = self.copy_up_leaf(&components(target)?)?;
        let names = components(path)?;
        let (name, parents) = names.split_last().ok_or(EntryError::Root)?;
        let mtime = self.draft.node(node).metadata.mtime;
        let parent = self.materialise_parents(parents, mtime)?;
        self.draft.set(parent.node, name, Slot::Node(node));
        Ok(())
    }

    /// Removes what the chain below, or this layer so far, has at `path`; no effect if nothing is there.
    pub fn remove(&mut self, path: &Path) -> Result<(), StoreError> {
        self.try_remove(path).map_err(at(path))
    }

    fn try_remove(&mut self, path: &Path) -> Result<(), EntryError> {
        let names = components(path)?;
        let (name, parents) = names.split_last().ok_or(EntryError::Root)?;
        if self.find(&names).is_none() {
            return Ok(());
        }
        let parent = self.materialise_parents(parents, Timestamp::default())?;
        if lookup_below(&parent.seen(), name).is_some() {
            self.draft.set(parent.node, name, Slot::Whiteout);
        } else {
            self.draft.unset(parent.node, name);
        }
        Ok(())
    }

    /// Hides everything that the chain below has under the directory `path`.
    pub fn make_opaque(&mut self, path: &Path) -> Result<(), StoreError> {
        self.try_make_opaque(path).map_err(at(path))
    }

    fn try_make_opaque(&mut self, path: &Path) -> Result<(), EntryError> {
        let dir = self.materialise_parents(&components(path)?, Timestamp::default())?;
        if let Some(directory) = self.draft.directory_mut(dir.node)
            && dir.below.is_some()
        {
            directory.join = Join::Nothing;
            directory.children.retain(|_, slot| *slot != Slot::Whiteout);
        }
        Ok(())
    }

    /// What is at `path` now, this layer merged over the chain below; symlinks not followed.
    pub fn get(&self, path: &Path) -> Result<Option<(NodeKind, Metadata)>, StoreError> {
        let names = components(path).map_err(at(path))?;
        Ok(self
            .find(&names)
            .map(|seen| self.overlaid().describe(&seen)))
    }

    /// Names in the directory `path`, merged and sorted; none when it is not a directory.
    pub fn list(&self, path: &Path) -> Result<Vec<Box<OsStr>>, StoreError> {
        let names = components(path).map_err(at(path))?;
        let Some(Seen::Dir(dir)) = self.find(&names) else {
            return Ok(Vec::new());
        };
        let boxed = |name: Vec<u8>| OsStr::from_bytes(&name).into();
        Ok(self.overlaid().names(&dir).into_iter().map(boxed).collect())
    }

    /// Resolves `path` inside this tree as chroot would: every symbolic link is followed (the last
    /// too), absolute targets and `..` stay inside the root. Components from the first missing one
    /// on are kept as written. Gives a path without links, fit for [`LayerWriter::put`].
    pub fn resolve(&self, path: &Path) -> Result<PathBuf, StoreError> {
        resolve::resolve(self.overlaid(), path).map_err(at(path))
    }

    /// The chain below.
    pub fn parent(&self) -> &Chain {
        &self.parent
    }

    /// Whether nothing was changed.
    pub fn is_empty(&self) -> bool {
        changes_nothing(self.overlaid())
    }

    /// Writes the index and gives the chain with the new layer on top.
    /// A layer that changed nothing gives the parent chain back.
    pub fn commit(self) -> Result<Chain, StoreError> {
        if self.is_empty() {
            return Ok(self.parent);
        }
        self.commit_even_if_empty()
    }

    /// As [`LayerWriter::commit`], but makes a layer even if nothing was changed: a base image's
    /// empty layers keep their place.
    pub fn commit_even_if_empty(self) -> Result<Chain, StoreError> {
        self.store.publish(&self.parent, self.draft, &self.lock)
    }

    fn overlaid(&self) -> Overlaid<'_> {
        Overlaid {
            draft: &self.draft,
            chain: &self.parent,
        }
    }

    fn find(&self, names: &[&[u8]]) -> Option<Seen> {
        let overlaid = self.overlaid();
        names
            .iter()
            .try_fold(Seen::Dir(overlaid.root()), |seen, name| match seen {
                Seen::Dir(dir) => overlaid.lookup(&dir, name),
                Seen::Leaf(_) => None,
            })
    }

    fn root(&self) -> DraftDir {
        DraftDir {
            node: Draft::ROOT,
            below: self.overlaid().root().below,
        }
    }

    /// Makes a directory, and those above it, part of the draft; the last name may be of
    /// anything, which a new directory then replaces.
    fn materialise(&mut self, names: &[&[u8]], mtime: Timestamp) -> Result<DraftDir, EntryError> {
        let Some((name, parents)) = names.split_last() else {
            return Ok(self.root());
        };
        let parent = self.materialise_parents(parents, mtime)?;
        Ok(match self.overlaid().lookup(&parent.seen(), name) {
            Some(Seen::Dir(dir)) => self.materialise_seen(&parent, name, dir),
            Some(Seen::Leaf(_)) | None => self.make_directory(&parent, name, mtime),
        })
    }

    /// As [`Self::materialise`], but refuses names that are no directories.
    fn materialise_parents(
        &mut self,
        names: &[&[u8]],
        mtime: Timestamp,
    ) -> Result<DraftDir, EntryError> {
        let mut dir = self.root();
        for name in names {
            dir = match self.overlaid().lookup(&dir.seen(), name) {
                Some(Seen::Dir(seen)) => self.materialise_seen(&dir, name, seen),
                Some(Seen::Leaf(_)) => return Err(EntryError::NotADirectory),
                None => self.make_directory(&dir, name, mtime),
            };
        }
        Ok(dir)
    }

    /// The draft's part of a directory; copied up when there is none yet.
    fn materialise_seen(&mut self, parent: &DraftDir, name: &[u8], seen: SeenDir) -> DraftDir {
        let node = seen.draft.unwrap_or_else(|| {
            let (_, metadata) = self.overlaid().describe(&Seen::Dir(seen.clone()));
            self.add_directory(parent, name, Join::SamePath, metadata)
        });
        DraftDir {
            node,
            below: seen.below,
        }
    }

    /// A new and empty directory; opaque where it would show one from below.
    fn make_directory(&mut self, parent: &DraftDir, name: &[u8], mtime: Timestamp) -> DraftDir {
        let hides = matches!(lookup_below(&parent.seen(), name), Some(Merged::Dir(_)));
        let join = if hides { Join::Nothing } else { Join::SamePath };
        let metadata = Metadata {
            mtime,
            ..bare_root()
        };
        DraftDir {
            node: self.add_directory(parent, name, join, metadata),
            below: None,
        }
    }

    fn add_directory(
        &mut self,
        parent: &DraftDir,
        name: &[u8],
        join: Join,
        metadata: Metadata,
    ) -> NodeIdx {
        let node = self
            .draft
            .add(Payload::Directory(Directory::new(join)), metadata);
        self.draft.set(parent.node, name, Slot::Node(node));
        node
    }

    /// The node of a file; copied up when only the chain below has it.
    fn copy_up_leaf(&mut self, names: &[&[u8]]) -> Result<NodeIdx, EntryError> {
        let seen = self.find(names).ok_or(EntryError::NoTarget)?;
        match seen {
            Seen::Dir(_) => Err(EntryError::LinkToDirectory),
            Seen::Leaf(SeenLeaf::Draft(node)) => Ok(node),
            Seen::Leaf(SeenLeaf::Below(_)) => {
                let (kind, metadata) = self.overlaid().describe(&seen);
                let (name, parents) = names.split_last().ok_or(EntryError::Root)?;
                let parent = self.materialise_parents(parents, metadata.mtime)?;
                let node = self.draft.add(Payload::Leaf(kind), metadata);
                self.draft.set(parent.node, name, Slot::Node(node));
                Ok(node)
            }
        }
    }
}

/// A directory that is part of the draft.
struct DraftDir {
    node: NodeIdx,
    below: Option<crate::merge::MergedDir>,
}

impl DraftDir {
    fn seen(&self) -> SeenDir {
        SeenDir {
            draft: Some(self.node),
            below: self.below.clone(),
        }
    }
}

fn at(path: &Path) -> impl FnOnce(EntryError) -> StoreError {
    move |source| StoreError::Entry {
        path: path.to_owned(),
        source,
    }
}
