//! What a tree shows, whether it is a chain or a directory: the terms in which both are compared.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::chain::Chain;
use crate::id::Digest;
use crate::layer::draft::Draft;
use crate::layer::overlaid::{Overlaid, Seen, SeenLeaf, root_metadata};
use crate::layer::{Metadata, NodeKind, Timestamp};
use crate::merge::Place;
use crate::overlay_xattr;
use crate::xattr;

/// Everything about one path that a process could see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) kind: NodeKind,
    pub(super) metadata: Metadata,
    /// The first path that is the same inode.
    pub(super) first_name: PathBuf,
}

pub(super) type Tree = BTreeMap<PathBuf, Shown>;

/// What a directory shows.
pub(super) fn directory(root: &Path) -> Tree {
    let mut tree = Tree::new();
    visit_dir(root, Path::new("/"), &mut tree, &mut HashMap::new());
    tree
}

fn visit_dir(root: &Path, path: &Path, tree: &mut Tree, inodes: &mut HashMap<u64, PathBuf>) {
    let real = root.join(path.strip_prefix("/").unwrap());
    let stat = fs::symlink_metadata(&real).unwrap();
    let first_name = match stat.is_dir() {
        true => path.to_owned(),
        false => inodes
            .entry(stat.ino())
            .or_insert_with(|| path.to_owned())
            .clone(),
    };
    let mut xattrs = xattr::read(&real).unwrap();
    xattrs.retain(|xattr| !overlay_xattr::is_overlay(&xattr.name));
    let metadata = Metadata {
        mode: stat.mode() & 0o7777,
        uid: stat.uid(),
        gid: stat.gid(),
        mtime: Timestamp {
            secs: stat.mtime(),
            nanos: stat.mtime_nsec().try_into().unwrap(),
        },
        xattrs,
    };
    let kind = kind(&real, &stat);
    tree.insert(
        path.to_owned(),
        Shown {
            kind,
            metadata,
            first_name,
        },
    );
    if stat.is_dir() {
        let mut names: Vec<_> = fs::read_dir(&real)
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        names.sort();
        names
            .iter()
            .for_each(|name| visit_dir(root, &path.join(name), tree, inodes));
    }
}

fn kind(real: &Path, stat: &fs::Metadata) -> NodeKind {
    let file_type = stat.file_type();
    if file_type.is_dir() {
        NodeKind::Directory
    } else if file_type.is_file() {
        let bytes = fs::read(real).unwrap();
        NodeKind::Regular {
            blob: Digest::of(&bytes),
            size: bytes.len() as u64,
        }
    } else if file_type.is_symlink() {
        NodeKind::Symlink(fs::read_link(real).unwrap().as_os_str().as_bytes().to_vec())
    } else if file_type.is_char_device() {
        NodeKind::CharDevice(stat.rdev())
    } else if file_type.is_block_device() {
        NodeKind::BlockDevice(stat.rdev())
    } else if file_type.is_fifo() {
        NodeKind::Fifo
    } else {
        NodeKind::Socket
    }
}

/// What a chain shows.
pub(super) fn chain(chain: &Chain) -> Tree {
    let draft = Draft::new(root_metadata(chain));
    let overlaid = Overlaid {
        draft: &draft,
        chain,
    };
    let mut walk = ChainWalk {
        overlaid,
        tree: Tree::new(),
        inodes: HashMap::new(),
    };
    walk.visit(PathBuf::from("/"), &Seen::Dir(overlaid.root()));
    walk.tree
}

struct ChainWalk<'a> {
    overlaid: Overlaid<'a>,
    tree: Tree,
    inodes: HashMap<Place, PathBuf>,
}

impl ChainWalk<'_> {
    fn visit(&mut self, path: PathBuf, seen: &Seen) {
        let (kind, metadata) = self.overlaid.describe(seen);
        let first_name = match seen {
            Seen::Leaf(SeenLeaf::Below(place)) => self
                .inodes
                .entry(*place)
                .or_insert_with(|| path.clone())
                .clone(),
            _ => path.clone(),
        };
        self.tree.insert(
            path.clone(),
            Shown {
                kind,
                metadata,
                first_name,
            },
        );
        let Seen::Dir(dir) = seen else { return };
        for name in self.overlaid.names(dir) {
            let child = self.overlaid.lookup(dir, &name).unwrap();
            self.visit(path.join(OsStr::from_bytes(&name)), &child);
        }
    }
}
