//! Small files of a snapshot, read without a mount.

use std::path::Path;

use iechor_snapshotter::tree::{Follow, Tree, TreeError};
use iechor_snapshotter::{Chain, NodeKind, SnapshotStore};

/// More than any account file has; an image's `/etc/passwd` is somebody else's text.
const LIMIT: u64 = 1 << 20;

/// The contents of a regular file, links followed inside the snapshot; none when nothing is there.
pub(crate) fn read_small(
    store: &SnapshotStore,
    chain: &Chain,
    path: &Path,
) -> Result<Option<Vec<u8>>, TreeError> {
    let tree = Tree::new(chain, store.blobs());
    match tree.resolve(path, Follow::Last)? {
        Some(node) if matches!(node.kind(), NodeKind::Regular { .. }) => tree.read(path, LIMIT),
        Some(node) => Err(TreeError::NotRegular(node.path().to_owned())),
        None => Ok(None),
    }
}
