//! A store in a directory of its own, and what stands in it.

use std::io::Read;
use std::path::Path;

use iechor_image::layer::{Limits, UnpackError, Unpacked, unpack};
use iechor_image::media_type::OCI_LAYER;
use iechor_image::progress::silent;
use iechor_image::{ContentStore, Descriptor};
use iechor_snapshotter::tree::{Node, Tree};
use iechor_snapshotter::{Chain, DiffId, Digest, NodeKind, SnapshotStore};
use tempfile::TempDir;

/// What lies outside the store and must stay as it is.
const CANARY: &str = "the canary sings";

/// A store, beside a directory that no archive may reach.
pub(crate) struct Store {
    dir: TempDir,
    pub(crate) snapshots: SnapshotStore,
    pub(crate) content: ContentStore,
}

pub(crate) fn store() -> Store {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("outside")).unwrap();
    std::fs::write(dir.path().join("outside/canary"), CANARY).unwrap();
    let root = dir.path().join("store");
    std::fs::create_dir(&root).unwrap();
    Store {
        snapshots: SnapshotStore::open(&root).unwrap(),
        content: ContentStore::open(&root).unwrap(),
        dir,
    }
}

impl Store {
    /// A directory of the host that archives try to reach.
    pub(crate) fn outside(&self) -> String {
        self.dir.path().join("outside").display().to_string()
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Unpacks an archive as a layer on `parent`, with its own digests.
    pub(crate) fn layer(&self, parent: &Chain, tar: &[u8]) -> Result<Chain, UnpackError> {
        self.layer_within(parent, tar, &Limits::default())
    }

    pub(crate) fn layer_within(
        &self,
        parent: &Chain,
        tar: &[u8],
        limits: &Limits,
    ) -> Result<Chain, UnpackError> {
        let descriptor = Descriptor::of(OCI_LAYER, tar);
        let diff_id = DiffId::new(Digest::of(tar));
        self.layer_as(parent, tar, &descriptor, diff_id, limits)
            .map(|(chain, _)| chain)
    }

    pub(crate) fn layer_as(
        &self,
        parent: &Chain,
        bytes: impl Read,
        descriptor: &Descriptor,
        diff_id: DiffId,
        limits: &Limits,
    ) -> Result<(Chain, Unpacked), UnpackError> {
        let mut writer = self.snapshots.new_layer(parent).unwrap();
        let blobs = self.snapshots.blobs();
        let unpacked = unpack(
            bytes,
            descriptor,
            diff_id,
            &mut writer,
            blobs,
            limits,
            &silent,
        );
        self.assert_contained();
        Ok((writer.commit_even_if_empty().unwrap(), unpacked?))
    }

    /// Unpacks archives one on the other.
    pub(crate) fn layers(&self, tars: &[Vec<u8>]) -> Chain {
        let apply = |chain, tar: &Vec<u8>| self.layer(&chain, tar).unwrap();
        tars.iter().fold(Chain::empty(), apply)
    }

    pub(crate) fn tree(&self, chain: &Chain) -> Tree {
        Tree::new(chain, self.snapshots.blobs())
    }

    /// What a chain shows, a line an entry: `d755 etc`, `f644 etc/hosts "text"`, `l777 a -> b`.
    pub(crate) fn listing(&self, chain: &Chain) -> Vec<String> {
        let tree = self.tree(chain);
        let mut lines = Vec::new();
        list(&tree, &tree.root(), &mut lines);
        lines
    }

    /// Nothing outside has changed, and nothing special stands inside (T2, T7, T8).
    pub(crate) fn assert_contained(&self) {
        let outside = self.dir.path().join("outside");
        let names: Vec<_> = std::fs::read_dir(&outside)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(names.len(), 1, "something was written outside");
        assert_eq!(
            std::fs::read_to_string(outside.join("canary")).unwrap(),
            CANARY
        );
        assert_plain(&self.dir.path().join("store"));
    }
}

/// Only directories and plain files without setuid bits.
fn assert_plain(dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let metadata = entry.metadata().unwrap();
        let path = entry.path();
        assert!(
            metadata.is_dir() || metadata.is_file(),
            "{}",
            path.display()
        );
        assert_eq!(
            metadata.permissions().mode() & 0o6000,
            0,
            "{}",
            path.display()
        );
        if metadata.is_dir() {
            assert_plain(&path);
        }
    }
}

fn list(tree: &Tree, dir: &Node, lines: &mut Vec<String>) {
    for (_, node) in tree.read_dir(dir) {
        lines.push(line(tree, &node));
        list(tree, &node, lines);
    }
}

fn line(tree: &Tree, node: &Node) -> String {
    let path = node.path().to_string_lossy().into_owned();
    let mode = node.metadata().mode;
    match node.kind() {
        NodeKind::Directory => format!("d{mode:o} {path}"),
        NodeKind::Regular { size, .. } if size > 100 => format!("f{mode:o} {path} {size}"),
        NodeKind::Regular { .. } => format!("f{mode:o} {path} {:?}", text(tree, node)),
        NodeKind::Symlink(target) => format!("l {path} -> {}", String::from_utf8_lossy(&target)),
        NodeKind::CharDevice(rdev) => format!("c{mode:o} {path} {rdev:#x}"),
        NodeKind::BlockDevice(rdev) => format!("b{mode:o} {path} {rdev:#x}"),
        NodeKind::Fifo => format!("p{mode:o} {path}"),
        NodeKind::Socket => format!("s{mode:o} {path}"),
    }
}

pub(crate) fn text(tree: &Tree, node: &Node) -> String {
    let mut text = String::new();
    tree.open(node).unwrap().read_to_string(&mut text).unwrap();
    text
}
