//! A store in a temporary directory, and layers from a few words.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use iechor_snapshotter::fuse::{FuseOptions, FuseSession, Visibility};
use iechor_snapshotter::{
    Chain, Digest, LayerWriter, Metadata, NodeKind, SnapshotStore, Timestamp, Xattr,
};
use tempfile::TempDir;

pub(crate) const MTIME: Timestamp = Timestamp {
    secs: 1_000_000_000,
    nanos: 123_456_789,
};

/// A store, and room to mount.
pub(crate) struct Lab {
    dir: TempDir,
    pub(crate) store: SnapshotStore,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SnapshotStore::open(&dir.path().join("store")).unwrap();
        Self { dir, store }
    }

    /// A new directory in the laboratory.
    pub(crate) fn make_dir(&self, name: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    /// Lets other users come as far as the mounts.
    pub(crate) fn open_to_all(&self) {
        std::fs::set_permissions(self.dir.path(), Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    /// A chain of one layer.
    pub(crate) fn base(&self, write: impl FnOnce(&mut Layer)) -> Chain {
        self.layer(&Chain::empty(), write)
    }

    /// A layer on a chain.
    pub(crate) fn layer(&self, parent: &Chain, write: impl FnOnce(&mut Layer)) -> Chain {
        let writer = self.store.new_layer(parent).unwrap();
        let mut layer = Layer {
            writer,
            store: self.store.clone(),
        };
        write(&mut layer);
        layer.writer.commit().unwrap()
    }

    pub(crate) fn session(&self) -> FuseSession {
        let options = FuseOptions::new(Visibility::Private);
        FuseSession::start(self.store.blobs(), &self.make_dir("fuse"), options).unwrap()
    }

    /// Where the store keeps a blob.
    pub(crate) fn blob_path(&self, contents: &[u8]) -> PathBuf {
        let hex = Digest::of(contents).hex();
        self.dir
            .path()
            .join("store/blobs")
            .join(&hex[..2])
            .join(hex)
    }
}

/// A layer being written.
pub(crate) struct Layer {
    pub(crate) writer: LayerWriter,
    store: SnapshotStore,
}

impl Layer {
    pub(crate) fn put(&mut self, path: &str, kind: NodeKind, mode: u32) -> &mut Self {
        self.put_with(
            path,
            kind,
            Metadata {
                mode,
                mtime: MTIME,
                ..Metadata::default()
            },
        )
    }

    pub(crate) fn put_with(&mut self, path: &str, kind: NodeKind, metadata: Metadata) -> &mut Self {
        self.writer.put(Path::new(path), kind, metadata).unwrap();
        self
    }

    pub(crate) fn file(&mut self, path: &str, contents: &[u8]) -> &mut Self {
        let kind = self.contents(contents);
        self.put(path, kind, 0o644)
    }

    pub(crate) fn contents(&self, contents: &[u8]) -> NodeKind {
        let blob = self.store.blobs().put(contents).unwrap();
        NodeKind::Regular {
            blob,
            size: contents.len() as u64,
        }
    }

    pub(crate) fn dir(&mut self, path: &str) -> &mut Self {
        self.put(path, NodeKind::Directory, 0o755)
    }

    pub(crate) fn symlink(&mut self, path: &str, target: &str) -> &mut Self {
        self.put(path, NodeKind::Symlink(target.as_bytes().to_vec()), 0o777)
    }

    pub(crate) fn link(&mut self, path: &str, target: &str) -> &mut Self {
        self.writer
            .link(Path::new(path), Path::new(target))
            .unwrap();
        self
    }

    pub(crate) fn remove(&mut self, path: &str) -> &mut Self {
        self.writer.remove(Path::new(path)).unwrap();
        self
    }
}

pub(crate) fn xattr(name: &str, value: &[u8]) -> Xattr {
    Xattr {
        name: name.as_bytes().to_vec(),
        value: value.to_vec(),
    }
}
