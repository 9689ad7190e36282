//! A draft over the chain below it, as one tree.

use super::draft::{Directory, Draft, Join, NodeIdx, Payload, Slot};
use super::{Metadata, NodeKind, Xattr};
use crate::chain::Chain;
use crate::index::{InodeIdx, LayerIndex};
use crate::merge::{self, Merged, MergedDir, Place};

/// What a name leads to in the merged tree.
#[derive(Debug, Clone)]
pub(crate) enum Seen {
    Dir(SeenDir),
    Leaf(SeenLeaf),
}

/// A directory: the part of the draft, the part below, or both.
#[derive(Debug, Clone)]
pub(crate) struct SeenDir {
    pub(crate) draft: Option<NodeIdx>,
    pub(crate) below: Option<MergedDir>,
}

/// Anything but a directory.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SeenLeaf {
    Draft(NodeIdx),
    Below(Place),
}

/// Read access to a draft and what lies below.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Overlaid<'a> {
    pub(crate) draft: &'a Draft,
    pub(crate) chain: &'a Chain,
}

impl Overlaid<'_> {
    pub(crate) fn root(self) -> SeenDir {
        SeenDir {
            draft: Some(Draft::ROOT),
            below: self.root_below(),
        }
    }

    fn root_below(self) -> Option<MergedDir> {
        let join = &self.draft.directory(Draft::ROOT)?.join;
        (*join != Join::Nothing).then(|| merge::root(self.chain))
    }

    /// What `name` stands for in a directory.
    pub(crate) fn lookup(self, dir: &SeenDir, name: &[u8]) -> Option<Seen> {
        match self.slot(dir, name) {
            Some(Slot::Whiteout) => None,
            Some(Slot::Node(node)) => Some(self.seen_node(dir, name, node)),
            None => lookup_below(dir, name).map(Seen::from),
        }
    }

    fn slot(self, dir: &SeenDir, name: &[u8]) -> Option<Slot> {
        self.draft
            .directory(dir.draft?)?
            .children
            .get(name)
            .copied()
    }

    fn seen_node(self, parent: &SeenDir, name: &[u8], node: NodeIdx) -> Seen {
        match &self.draft.node(node).payload {
            Payload::Leaf(_) => Seen::Leaf(SeenLeaf::Draft(node)),
            Payload::Directory(directory) => {
                let below = self.joined(parent, name, directory);
                Seen::Dir(SeenDir {
                    draft: Some(node),
                    below,
                })
            }
        }
    }

    /// The directory below with which one of the draft merges.
    fn joined(self, parent: &SeenDir, name: &[u8], directory: &Directory) -> Option<MergedDir> {
        let found = match &directory.join {
            Join::Nothing => None,
            Join::SamePath => lookup_below(parent, name),
            Join::MovedFrom(path) => merge::lookup_path(merge::root(self.chain), path),
        };
        match found? {
            Merged::Dir(dir) => Some(dir),
            Merged::File(_) => None,
        }
    }

    /// The names that show in a directory, sorted.
    pub(crate) fn names(self, dir: &SeenDir) -> Vec<Vec<u8>> {
        let mut names: Vec<_> = dir
            .below
            .iter()
            .flat_map(merge::entries)
            .map(|(name, _)| name)
            .collect();
        let directory = dir.draft.and_then(|node| self.draft.directory(node));
        if let Some(directory) = directory {
            names.retain(|name| !directory.children.contains_key(*name));
            let added = directory
                .children
                .iter()
                .filter(|(_, slot)| **slot != Slot::Whiteout);
            names.extend(added.map(|(name, _)| &**name));
            names.sort_unstable();
        }
        names.into_iter().map(<[u8]>::to_vec).collect()
    }

    /// What the draft or the chain knows of a node, as an entry.
    pub(crate) fn describe(self, seen: &Seen) -> (NodeKind, Metadata) {
        match seen {
            Seen::Dir(SeenDir {
                draft: Some(node), ..
            })
            | Seen::Leaf(SeenLeaf::Draft(node)) => {
                let node = self.draft.node(*node);
                (node.payload.kind(), node.metadata.clone())
            }
            Seen::Dir(SeenDir { below, .. }) => {
                let top = below.as_ref().and_then(MergedDir::top);
                (
                    NodeKind::Directory,
                    top.map_or_else(bare_root, |top| metadata_of(self.chain, top)),
                )
            }
            Seen::Leaf(SeenLeaf::Below(place)) => (
                place.index(self.chain).kind(place.inode),
                metadata_of(self.chain, *place),
            ),
        }
    }
}

impl From<Merged> for Seen {
    fn from(merged: Merged) -> Self {
        match merged {
            Merged::Dir(dir) => Self::Dir(SeenDir {
                draft: None,
                below: Some(dir),
            }),
            Merged::File(place) => Self::Leaf(SeenLeaf::Below(place)),
        }
    }
}

/// What the chain has under a name of a directory, whatever the draft says.
pub(crate) fn lookup_below(dir: &SeenDir, name: &[u8]) -> Option<Merged> {
    merge::lookup(dir.below.as_ref()?, name)
}

/// Metadata of an inode of a chain.
pub(crate) fn metadata_of(chain: &Chain, place: Place) -> Metadata {
    metadata_in(place.index(chain), place.inode)
}

fn metadata_in(index: &LayerIndex, inode: InodeIdx) -> Metadata {
    let stat = index.stat(inode);
    let xattr = |(name, value): (&[u8], &[u8])| Xattr {
        name: name.to_vec(),
        value: value.to_vec(),
    };
    Metadata {
        mode: stat.mode & 0o7777,
        uid: stat.uid,
        gid: stat.gid,
        mtime: stat.mtime,
        xattrs: index.xattrs(inode).map(xattr).collect(),
    }
}

/// Metadata of the root of `FROM scratch`.
pub(crate) fn bare_root() -> Metadata {
    Metadata {
        mode: 0o755,
        ..Metadata::default()
    }
}

/// Metadata of the root of a chain.
pub(crate) fn root_metadata(chain: &Chain) -> Metadata {
    merge::root(chain)
        .top()
        .map_or_else(bare_root, |top| metadata_of(chain, top))
}
