//! Writes a tree into a directory of the host: `-o type=local`.
//!
//! The tree is written into a fresh directory first, so that nothing there can lead elsewhere, and
//! then moved into place, entry by entry, by descriptors of directories: no link in the target is
//! followed. Devices and sockets of an image are left out: they would mean something
//! on the host.

use std::collections::HashMap;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use iechor_snapshotter::tree::{Node, NodeId, Tree};
use iechor_snapshotter::{BlobStore, Chain, NodeKind};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::layer::write::WriteError;

mod copy;
mod merge;
mod metadata;
mod node;

use copy::copy_contents;
use merge::merge;
use metadata::{apply, apply_to_link};
pub use node::write_node;

/// Directories are opened so wherever something could have put a link in their place.
const DIRECTORY: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Puts the merged tree of a chain into the directory `target`, made if missing; what is there
/// already stays unless the tree has the same name.
///
/// Owners are kept if we may set them. A target that exists keeps its own mode and owner.
///
/// # Errors
///
/// [`WriteError::DirectoryInTheWay`] when the target has a directory where the tree has a file;
/// [`WriteError::Io`]. A tree that could not be written leaves nothing behind; one that could not
/// be merged leaves what was moved so far.
pub fn write_local(chain: &Chain, blobs: &BlobStore, target: &Path) -> Result<(), WriteError> {
    let tree = Tree::new(chain, blobs);
    match fs::metadata(target) {
        Ok(_) => into_existing(&tree, target),
        Err(error) if error.kind() == io::ErrorKind::NotFound => as_new(&tree, target),
        Err(error) => Err(io_error("cannot read", target)(error)),
    }
}

/// Writes inside the target, which is on the file system where things are to go.
fn into_existing(tree: &Tree, target: &Path) -> Result<(), WriteError> {
    let fresh = fresh_directory(target)?;
    write_tree(tree, fresh.path())?;
    let from = open_directory(fresh.path())?;
    let to = rustix::fs::open(target, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let to = to.map_err(|error| io_error("cannot open", target)(error.into()))?;
    merge(&from, &to, target)
}

/// Writes beside the target and renames.
fn as_new(tree: &Tree, target: &Path) -> Result<(), WriteError> {
    let parent = parent_of(target);
    fs::create_dir_all(parent).map_err(io_error("cannot make", parent))?;
    let fresh = fresh_directory(parent)?;
    let root = fresh.path().join("root");
    fs::create_dir(&root).map_err(io_error("cannot make", &root))?;
    write_tree(tree, &root)?;
    apply(&open_directory(&root)?, &tree.root().metadata())
        .map_err(io_error("cannot set the mode of", target))?;
    fs::rename(&root, target).map_err(io_error("cannot make", target))
}

fn parent_of(path: &Path) -> &Path {
    let parent = path.parent();
    let parent = parent.filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// A directory that nobody else can enter, and that goes when it is dropped.
fn fresh_directory(parent: &Path) -> Result<tempfile::TempDir, WriteError> {
    let private = Permissions::from_mode(0o700);
    let made = tempfile::Builder::new()
        .prefix(".iechor-")
        .permissions(private)
        .tempdir_in(parent);
    made.map_err(io_error("cannot make a directory in", parent))
}

fn open_directory(path: &Path) -> Result<OwnedFd, WriteError> {
    rustix::fs::openat(CWD, path, DIRECTORY, Mode::empty())
        .map_err(|error| io_error("cannot open", path)(error.into()))
}

fn write_tree(tree: &Tree, root: &Path) -> Result<(), WriteError> {
    let fd = open_directory(root)?;
    let mut writer = TreeWriter {
        tree,
        root: fd.as_fd(),
        base: Path::new(""),
        below: Path::new(""),
        shown: root,
        names: HashMap::new(),
    };
    writer.children(&tree.root(), fd.as_fd())
}

/// A tree on its way into a fresh directory.
struct TreeWriter<'a> {
    tree: &'a Tree,
    root: std::os::fd::BorrowedFd<'a>,
    /// Path in the tree of what is written.
    base: &'a Path,
    /// Where that is written, relative to `root`.
    below: &'a Path,
    /// Path of the root, for messages.
    shown: &'a Path,
    /// First names of files that may have others.
    names: HashMap<NodeId, PathBuf>,
}

impl TreeWriter<'_> {
    fn children(&mut self, dir: &Node, fd: impl AsFd + Copy) -> Result<(), WriteError> {
        for (name, node) in self.tree.read_dir(dir) {
            self.node(&node, fd, Path::new(&name))?;
        }
        Ok(())
    }

    fn node(&mut self, node: &Node, dir: impl AsFd + Copy, name: &Path) -> Result<(), WriteError> {
        if self.link(node, dir, name)? {
            return Ok(());
        }
        match node.kind() {
            NodeKind::Directory => self.directory(node, dir, name),
            NodeKind::Regular { .. } => self.file(node, dir, name),
            NodeKind::Symlink(target) => {
                let made = rustix::fs::symlinkat(&target[..], dir, name);
                let set = made.and_then(|()| apply_to_link(dir, name, &node.metadata()));
                set.map_err(|error| self.failed(node)(error.into()))
            }
            NodeKind::Fifo => self.fifo(node, dir, name),
            NodeKind::CharDevice(_) | NodeKind::BlockDevice(_) | NodeKind::Socket => Ok(()),
        }
    }

    /// Makes another name of a file that is there already; false if this is its first.
    fn link(&mut self, node: &Node, dir: impl AsFd, name: &Path) -> Result<bool, WriteError> {
        if node.is_dir() || node.stat().nlink < 2 || is_left_out(&node.kind()) {
            return Ok(false);
        }
        let Some(first) = self.names.get(&node.id()) else {
            self.names.insert(node.id(), self.place(node));
            return Ok(false);
        };
        let linked = rustix::fs::linkat(self.root, first, dir, name, AtFlags::empty());
        linked
            .map_err(|error| self.failed(node)(error.into()))
            .map(|()| true)
    }

    /// Where a node is written, relative to `root`.
    fn place(&self, node: &Node) -> PathBuf {
        let inside = node.path().strip_prefix(self.base);
        self.below.join(inside.unwrap_or(node.path()))
    }

    fn directory(&mut self, node: &Node, dir: impl AsFd, name: &Path) -> Result<(), WriteError> {
        let made = rustix::fs::mkdirat(&dir, name, Mode::RWXU);
        let opened = made.and_then(|()| rustix::fs::openat(&dir, name, DIRECTORY, Mode::empty()));
        let fd = opened.map_err(|error| self.failed(node)(error.into()))?;
        self.children(node, fd.as_fd())?;
        // Last: what is written into a directory changes its time.
        apply(&fd, &node.metadata()).map_err(self.failed(node))
    }

    fn file(&mut self, node: &Node, dir: impl AsFd, name: &Path) -> Result<(), WriteError> {
        let contents = self.tree.open(node)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW;
        let made = rustix::fs::openat(dir, name, flags | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR);
        let file = File::from(made.map_err(|error| self.failed(node)(error.into()))?);
        let written = copy_contents(&contents, &file);
        written
            .and_then(|()| apply(&file, &node.metadata()))
            .map_err(self.failed(node))
    }

    fn fifo(&self, node: &Node, dir: impl AsFd + Copy, name: &Path) -> Result<(), WriteError> {
        let metadata = node.metadata();
        let mode = Mode::from_raw_mode(metadata.mode);
        let made = rustix::fs::mknodat(dir, name, FileType::Fifo, mode, 0);
        let set = made.and_then(|()| apply_to_link(dir, name, &metadata));
        set.map_err(|error| self.failed(node)(error.into()))
    }

    fn failed(&self, node: &Node) -> impl FnOnce(io::Error) -> WriteError + use<> {
        io_error("cannot write", &self.shown.join(self.place(node)))
    }
}

fn is_left_out(kind: &NodeKind) -> bool {
    matches!(
        kind,
        NodeKind::CharDevice(_) | NodeKind::BlockDevice(_) | NodeKind::Socket
    )
}

/// Whether an owner or attribute could not be set because we may not, or the file system cannot:
/// then the file is ours, or goes without.
fn is_not_for_us(error: Errno) -> bool {
    matches!(error, Errno::PERM | Errno::OPNOTSUPP | Errno::INVAL)
}

/// Says what was being done on which path when the kernel refused.
fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WriteError + use<> {
    let path = path.to_owned();
    move |source| WriteError::Io {
        action,
        path,
        source,
    }
}
