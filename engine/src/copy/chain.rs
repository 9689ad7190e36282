//! A chain as a source: a stage of this build, or an image.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::sync::OnceLock;

use iechor_snapshotter::tree::{Follow, Node, Tree, TreeError};
use iechor_snapshotter::{BlobStore, Chain, NodeKind, SnapshotId, SnapshotStore, Xattr};

use super::CopyError;
use super::source::{FileKind, HardLink, SourceFile, SourceTree};

/// The merged tree of a chain; nothing is mounted, and nothing mapped before the first access.
#[derive(Debug)]
pub(crate) struct ChainTree {
    store: SnapshotStore,
    tip: Option<SnapshotId>,
    tree: OnceLock<Tree>,
    name: String,
}

impl ChainTree {
    pub(crate) fn new(store: &SnapshotStore, tip: Option<SnapshotId>, name: String) -> Self {
        Self {
            store: store.clone(),
            tip,
            tree: OnceLock::new(),
            name,
        }
    }

    fn tree(&self) -> Result<&Tree, CopyError> {
        if let Some(tree) = self.tree.get() {
            return Ok(tree);
        }
        let chain = self
            .tip
            .map_or_else(|| Ok(Chain::empty()), |tip| self.store.chain(tip))?;
        let tree = Tree::new(&chain, self.store.blobs());
        Ok(self.tree.get_or_init(|| tree))
    }

    /// The node at a path without links.
    fn node(&self, path: &Path) -> Result<Option<Node>, CopyError> {
        let tree = self.tree()?;
        if path.as_os_str().is_empty() {
            return Ok(Some(tree.root()));
        }
        tree.resolve(path, Follow::NotLast)
            .map_err(|source| self.error(source))
    }

    fn existing(&self, path: &Path) -> Result<Node, CopyError> {
        let missing = || CopyError::NotFound {
            source_path: path.display().to_string(),
            tree: self.name.clone(),
        };
        self.node(path)?.ok_or_else(missing)
    }

    fn error(&self, source: TreeError) -> CopyError {
        CopyError::Tree {
            tree: self.name.clone(),
            source,
        }
    }
}

impl SourceTree for ChainTree {
    fn lstat(&self, path: &Path) -> Result<Option<SourceFile>, CopyError> {
        Ok(self.node(path)?.map(|node| describe(path, &node)))
    }

    fn children(&self, dir: &Path) -> Result<Vec<SourceFile>, CopyError> {
        let entries = self.tree()?.read_dir(&self.existing(dir)?);
        Ok(entries
            .iter()
            .map(|(name, node)| describe(&dir.join(OsStr::new(name)), node))
            .collect())
    }

    fn take(&self, file: &SourceFile, _: &BlobStore) -> Result<(NodeKind, Vec<Xattr>), CopyError> {
        let node = self.existing(&file.path)?;
        Ok((node.kind(), node.metadata().xattrs))
    }

    fn open(&self, file: &SourceFile) -> Result<File, CopyError> {
        let node = self.existing(&file.path)?;
        self.tree()?
            .open(&node)
            .map_err(|source| self.error(source))
    }

    fn name(&self) -> &str {
        &self.name
    }
}

fn describe(path: &Path, node: &Node) -> SourceFile {
    let (stat, kind) = (node.stat(), node.kind());
    let directory = kind == NodeKind::Directory;
    SourceFile {
        path: path.to_owned(),
        mode: stat.mode & 0o7777,
        uid: stat.uid,
        gid: stat.gid,
        size: if let NodeKind::Regular { size, .. } = kind {
            size
        } else {
            0
        },
        mtime: stat.mtime,
        hard_link: (!directory && stat.nlink > 1).then(|| HardLink::Snapshot(node.id())),
        witness: None,
        kind: file_kind(kind),
    }
}

fn file_kind(kind: NodeKind) -> FileKind {
    match kind {
        NodeKind::Directory => FileKind::Directory,
        NodeKind::Regular { .. } => FileKind::Regular,
        NodeKind::Symlink(target) => FileKind::Symlink(target),
        NodeKind::CharDevice(rdev) => FileKind::CharDevice(rdev),
        NodeKind::BlockDevice(rdev) => FileKind::BlockDevice(rdev),
        NodeKind::Fifo => FileKind::Fifo,
        NodeKind::Socket => FileKind::Socket,
    }
}
