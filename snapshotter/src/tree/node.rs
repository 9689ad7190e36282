//! One file, directory or other inode of a tree.

use std::path::{Path, PathBuf};

use crate::chain::Chain;
use crate::id::SnapshotId;
use crate::index::{InodeIdx, Stat};
use crate::layer::{Metadata, NodeKind, Timestamp, Xattr};
use crate::merge::{Merged, MergedDir, Place};

/// Tells inodes apart: two names of one chain with equal ids are hard links of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeId(Option<(SnapshotId, InodeIdx)>);

impl NodeId {
    /// The layer that has the inode, and its number there; none for the root of the empty chain.
    pub fn inode(self) -> Option<(SnapshotId, InodeIdx)> {
        self.0
    }
}

/// An inode of a tree under one of its names. Metadata is read from the layer index when asked for.
#[derive(Debug, Clone)]
pub struct Node {
    chain: Chain,
    merged: Merged,
    path: PathBuf,
}

impl Node {
    pub(super) fn new(chain: &Chain, merged: Merged, path: PathBuf) -> Self {
        Self {
            chain: chain.clone(),
            merged,
            path,
        }
    }

    /// Path relative to the root, without links; empty for the root.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the inode is.
    pub fn kind(&self) -> NodeKind {
        self.top().map_or(NodeKind::Directory, |place| {
            place.index(&self.chain).kind(place.inode)
        })
    }

    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        matches!(self.merged, Merged::Dir(_))
    }

    /// Fixed-size facts. The link count is that of the layer which has the inode.
    pub fn stat(&self) -> Stat {
        self.top().map_or(BARE_ROOT, |place| {
            place.index(&self.chain).stat(place.inode)
        })
    }

    /// Mode, owner, time and attributes.
    pub fn metadata(&self) -> Metadata {
        let Stat {
            mode,
            uid,
            gid,
            mtime,
            ..
        } = self.stat();
        Metadata {
            mode: mode & 0o7777,
            uid,
            gid,
            mtime,
            xattrs: self.xattrs(),
        }
    }

    /// What tells this inode from all others.
    pub fn id(&self) -> NodeId {
        let id = |place: Place| (self.chain.layers()[place.layer].id(), place.inode);
        NodeId(self.top().map(id))
    }

    pub(super) fn as_dir(&self) -> Option<&MergedDir> {
        match &self.merged {
            Merged::Dir(dir) => Some(dir),
            Merged::File(_) => None,
        }
    }

    fn top(&self) -> Option<Place> {
        self.merged.top()
    }

    fn xattrs(&self) -> Vec<Xattr> {
        let Some(place) = self.top() else {
            return Vec::new();
        };
        let xattrs = place.index(&self.chain).xattrs(place.inode);
        xattrs
            .map(|(name, value)| Xattr {
                name: name.into(),
                value: value.into(),
            })
            .collect()
    }
}

/// The root of the empty chain, which no layer describes.
pub(crate) const BARE_ROOT: Stat = Stat {
    mode: libc::S_IFDIR | 0o755,
    uid: 0,
    gid: 0,
    nlink: 2,
    size: 0,
    rdev: 0,
    mtime: Timestamp { secs: 0, nanos: 0 },
};
