//! Directories by descriptor: no path is ever resolved twice, no link ever followed.

use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasher, Hasher as _, RandomState};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

/// How many directories deep a removal keeps descriptors open; deeper ones are moved up first.
const DEPTH_MAX: usize = 64;

/// Removes a directory with all that is in it, by descriptors, on one file system.
///
/// However deep the tree is, a bounded number of descriptors is open.
pub(crate) fn remove_tree(parent: impl AsFd, name: &OsStr) -> Result<(), Errno> {
    let top = match open_any_dir(parent.as_fd(), name) {
        Ok(top) => top,
        Err(Errno::NOENT) => return Ok(()),
        Err(errno) => return Err(errno),
    };
    // Each pass empties all but what it had to move up from the depths.
    while let Emptied::MovedSomeUp = empty(&top, &top, DEPTH_MAX)? {}
    remove_dir(parent, name)
}

/// What is left in a directory that was emptied.
enum Emptied {
    Nothing,
    MovedSomeUp,
}

fn empty(dir: &OwnedFd, top: &OwnedFd, depth: usize) -> Result<Emptied, Errno> {
    let mut emptied = Emptied::Nothing;
    for name in names_in(dir)? {
        let is_dir = match rustix::fs::unlinkat(dir, &name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => false,
            Err(Errno::ISDIR | Errno::PERM) => true,
            Err(errno) => return Err(errno),
        };
        if is_dir && depth == 0 {
            rustix::fs::renameat(dir, &name, top, random_name())?;
            emptied = Emptied::MovedSomeUp;
        } else if is_dir {
            let inner = open_any_dir(dir.as_fd(), &name)?;
            if let Emptied::MovedSomeUp = empty(&inner, top, depth - 1)? {
                emptied = Emptied::MovedSomeUp;
            }
            remove_dir(dir, &name)?;
        }
    }
    Ok(emptied)
}

fn remove_dir(parent: impl AsFd, name: &OsStr) -> Result<(), Errno> {
    match rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR) {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

/// Opens a directory whatever its mode is: overlayfs makes some without any permission.
fn open_any_dir(parent: impl AsFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    match open_dir(parent.as_fd(), name) {
        Err(Errno::ACCESS) => {
            rustix::fs::chmodat(parent.as_fd(), name, Mode::RWXU, AtFlags::empty())?;
            open_dir(parent, name)
        }
        other => other,
    }
}

/// Opens a directory that is no symbolic link.
pub(crate) fn open_dir(parent: impl AsFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty())
}

/// The names in a directory without `.` and `..`, in no particular order.
pub(crate) fn names_in(dir: impl AsFd) -> Result<Vec<OsString>, Errno> {
    let entries = entries_in(dir)?;
    Ok(entries.into_iter().map(|(name, _)| name).collect())
}

/// As [`names_in`], with the types that the listing tells: of some file systems all are unknown.
pub(crate) fn entries_in(dir: impl AsFd) -> Result<Vec<(OsString, FileType)>, Errno> {
    let mut entries = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            entries.push((OsStr::from_bytes(name).to_owned(), entry.file_type()));
        }
    }
    Ok(entries)
}

/// A path that leads to an open file, whatever its names are.
pub(crate) fn magic_link(file: impl AsFd) -> PathBuf {
    Path::new("/proc/self/fd").join(file.as_fd().as_raw_fd().to_string())
}

/// A name that nobody else comes up with.
pub(crate) fn random_name() -> String {
    let word = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", word(), word())
}
