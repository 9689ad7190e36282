//! Attributes of an inode.

use super::Ino;
use crate::index::Stat;
use crate::layer::Timestamp;

/// What an inode is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A directory.
    Directory,
    /// A regular file.
    Regular,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

impl FileKind {
    /// The kind that the type bits of a mode name.
    pub(super) fn of_mode(mode: u32) -> Self {
        match mode & libc::S_IFMT {
            libc::S_IFDIR => Self::Directory,
            libc::S_IFLNK => Self::Symlink,
            libc::S_IFCHR => Self::CharDevice,
            libc::S_IFBLK => Self::BlockDevice,
            libc::S_IFIFO => Self::Fifo,
            libc::S_IFSOCK => Self::Socket,
            _ => Self::Regular,
        }
    }
}

/// Attributes of an inode, as `stat(2)` has them. Access and change time are the modification time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attr {
    /// Inode number.
    pub ino: Ino,
    /// What it is.
    pub kind: FileKind,
    /// Permission bits with setuid, setgid and sticky.
    pub permissions: u16,
    /// Number of names. 1 for a directory that merges several: as on overlayfs and btrfs, that
    /// means "not counted".
    pub nlink: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Size in bytes.
    pub size: u64,
    /// Device number, as in `st_rdev`.
    pub rdev: u64,
    /// Modification time.
    pub mtime: Timestamp,
}

impl Attr {
    pub(super) fn of_stat(ino: Ino, stat: &Stat) -> Self {
        Self {
            ino,
            kind: FileKind::of_mode(stat.mode),
            permissions: (stat.mode & 0o7777) as u16,
            nlink: stat.nlink,
            uid: stat.uid,
            gid: stat.gid,
            size: stat.size,
            rdev: stat.rdev,
            mtime: stat.mtime,
        }
    }

    /// What no layer describes: owned by root, from the beginning of time.
    pub(super) fn bare(ino: Ino, kind: FileKind) -> Self {
        let (permissions, nlink) = match kind {
            FileKind::Directory => (0o755, 1),
            _ => (0o644, 1),
        };
        Self {
            ino,
            kind,
            permissions,
            nlink,
            uid: 0,
            gid: 0,
            size: 0,
            rdev: 0,
            mtime: Timestamp::default(),
        }
    }
}
