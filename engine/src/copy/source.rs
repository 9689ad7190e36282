//! Trees that COPY, ADD and bind mounts read from, and how paths in them are resolved.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use iechor_snapshotter::tree::NodeId;
use iechor_snapshotter::{BlobStore, NodeKind, Timestamp, Xattr};

use super::CopyError;

/// As many links as the kernel follows in one path (`path_resolution(7)`).
const MAX_LINKS: usize = 40;

/// A file of a source tree: what there is to know without reading it.
#[derive(Debug, Clone)]
pub(crate) struct SourceFile {
    /// Path relative to the tree's root, without links, `.` or `..`; empty for the root.
    pub(crate) path: PathBuf,
    /// What it is.
    pub(crate) kind: FileKind,
    /// Permission bits with setuid, setgid and sticky.
    pub(crate) mode: u32,
    /// Owner, which COPY keeps only between snapshots.
    pub(crate) uid: u32,
    /// Group.
    pub(crate) gid: u32,
    /// Length in bytes of a regular file, else 0.
    pub(crate) size: u64,
    /// Modification time.
    pub(crate) mtime: Timestamp,
    /// What says that two names are one inode; none when there is only one name.
    pub(crate) hard_link: Option<HardLink>,
    /// Device and inode of a host file and when it last changed, for rule C6.
    pub(crate) witness: Option<Witness>,
}

/// Identity of an inode with several names, within its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum HardLink {
    Host(Inode),
    Snapshot(NodeId),
}

/// Identity of a host inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Inode {
    pub(crate) device: u64,
    pub(crate) number: u64,
}

/// What tells that a host file may have changed although size and mtime have not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Witness {
    pub(crate) inode: Inode,
    pub(crate) ctime: Timestamp,
}

/// What a source file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileKind {
    Directory,
    Regular,
    Symlink(Vec<u8>),
    CharDevice(u64),
    BlockDevice(u64),
    Fifo,
    Socket,
}

impl SourceFile {
    pub(crate) fn is_directory(&self) -> bool {
        self.kind == FileKind::Directory
    }
}

/// A tree of files that can be copied from.
pub(crate) trait SourceTree: Sync {
    /// The file at `path`, which has no links in its parents; the last component is not followed.
    fn lstat(&self, path: &Path) -> Result<Option<SourceFile>, CopyError>;

    /// What is in the directory `dir`, sorted by name; left out is what the tree hides.
    fn children(&self, dir: &Path) -> Result<Vec<SourceFile>, CopyError>;

    /// Reads a file: what it is, its contents put into (or found in) the blob store, and the
    /// extended attributes that are copied with it.
    fn take(
        &self,
        file: &SourceFile,
        blobs: &BlobStore,
    ) -> Result<(NodeKind, Vec<Xattr>), CopyError>;

    /// Opens a regular file for reading.
    fn open(&self, file: &SourceFile) -> Result<File, CopyError>;

    /// What messages call it: `the build context`, `stage build`.
    fn name(&self) -> &str;
}

/// Finds what `path` leads to, following every link as `chroot` would: absolute targets and `..`
/// stay inside the tree.
pub(crate) fn follow(tree: &dyn SourceTree, path: &Path) -> Result<Option<SourceFile>, CopyError> {
    Walk { tree, links: 0 }.descend(PathBuf::new(), path)
}

struct Walk<'a> {
    tree: &'a dyn SourceTree,
    links: usize,
}

impl Walk<'_> {
    fn descend(&mut self, from: PathBuf, path: &Path) -> Result<Option<SourceFile>, CopyError> {
        let mut here = from;
        let mut rest: Vec<Vec<u8>> = names(path);
        while let Some(name) = rest.pop() {
            if name == b".." {
                here.pop();
                continue;
            }
            let next = here.join(OsStr::from_bytes(&name));
            let Some(file) = self.tree.lstat(&next)? else {
                return Ok(None);
            };
            match &file.kind {
                FileKind::Symlink(target) => {
                    self.count_link(path)?;
                    if target.first() == Some(&b'/') {
                        here = PathBuf::new();
                    }
                    rest.extend(names(Path::new(OsStr::from_bytes(target))));
                }
                FileKind::Directory => here = next,
                _ if rest.is_empty() => return Ok(Some(file)),
                _ => return Ok(None),
            }
        }
        self.tree.lstat(&here)
    }

    fn count_link(&mut self, path: &Path) -> Result<(), CopyError> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(CopyError::TooManyLinks {
                path: path.to_owned(),
            });
        }
        Ok(())
    }
}

/// The components of a path that mean something, last first.
fn names(path: &Path) -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = path
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_os_string().into_vec()),
            Component::ParentDir => Some(b"..".to_vec()),
            _ => None,
        })
        .collect();
    names.reverse();
    names
}
