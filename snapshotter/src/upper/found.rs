//! Entries of an upper directory, before it is known what they change.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::UpperError;
use super::marks::Marks;
use crate::blob::{Dress, ScratchFile};
use crate::dirfd::magic_link;
use crate::layer::draft::NodeIdx;
use crate::layer::{Metadata, Timestamp, Xattr};
use crate::merge::{self, Merged, MergedDir};
use crate::xattr;

/// A directory of the chain below, and its absolute path there; that of the root is empty.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) dir: MergedDir,
    pub(super) path: Vec<u8>,
}

/// The directory that the walk is in.
#[derive(Debug)]
pub(super) struct Here {
    pub(super) fd: OwnedFd,
    pub(super) node: NodeIdx,
    /// Absolute path in the step's root; empty for the root itself.
    pub(super) path: Vec<u8>,
    /// What it merges with.
    pub(super) below: Option<Origin>,
    pub(super) depth: usize,
}

impl Here {
    /// Absolute path of an entry in the step's root.
    pub(super) fn path_of(&self, name: &OsStr) -> Vec<u8> {
        join(&self.path, name.as_bytes())
    }
}

/// One entry of the upper.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) here: &'a Here,
    pub(super) name: &'a OsStr,
    pub(super) stat: Stat,
    pub(super) marks: Marks,
    xattrs: Vec<Xattr>,
}

impl<'a> Found<'a> {
    /// Reads an entry that was listed with this type; a regular file is given too, open for reading.
    pub(super) fn read(
        here: &'a Here,
        name: &'a OsStr,
        listed: FileType,
    ) -> Result<(Self, Option<File>), UpperError> {
        let (stat, file) = look_at(here, name, listed)?;
        let (marks, xattrs) = match &file {
            Some(file) => marks_of(xattr::read_open(file))?,
            None => read_xattrs(&magic_link(&here.fd).join(name))?,
        };
        let found = Self {
            here,
            name,
            stat,
            marks,
            xattrs,
        };
        Ok((found, file))
    }

    /// The type bits of its mode.
    pub(super) fn file_type(&self) -> u32 {
        self.stat.st_mode & libc::S_IFMT
    }

    /// Whether it stands for the absence of its name.
    pub(super) fn is_whiteout(&self) -> bool {
        let is_device = self.file_type() == libc::S_IFCHR && self.stat.st_rdev == 0;
        is_device || self.marks.whiteout
    }

    /// Target of a symbolic link.
    pub(super) fn target(&self) -> Result<Vec<u8>, UpperError> {
        rustix::fs::readlinkat(&self.here.fd, self.name, Vec::new())
            .map(std::ffi::CString::into_bytes)
            .map_err(cannot("cannot read"))
    }

    pub(super) fn metadata(&self) -> Metadata {
        metadata(&self.stat, self.xattrs.clone())
    }

    /// What the store takes of it.
    pub(super) fn scratch(&self, file: File) -> ScratchFile {
        ScratchFile {
            file,
            len: self.stat.st_size.cast_unsigned(),
            dress: self.dress(),
        }
    }

    fn dress(&self) -> Dress {
        Dress {
            uid: self.stat.st_uid,
            gid: self.stat.st_gid,
            xattrs: self.marks.any,
        }
    }

    /// Absolute path in the step's root.
    pub(super) fn path(&self) -> Vec<u8> {
        self.here.path_of(self.name)
    }

    /// What the chain shows under the same name.
    pub(super) fn below(&self) -> Option<Merged> {
        merge::lookup(&self.here.below.as_ref()?.dir, self.name.as_bytes())
    }

    /// The path in the chain below that a name beside it has there.
    pub(super) fn path_below(&self, name: &[u8]) -> Option<Vec<u8>> {
        Some(join(&self.here.below.as_ref()?.path, name))
    }

    /// Where in the chain below it comes from: overlayfs notes a path from the root, or the old name
    /// in the same directory.
    pub(super) fn origin_path(&self) -> Option<Vec<u8>> {
        match &self.marks.redirect {
            Some(path) if path.starts_with(b"/") => Some(path.clone()),
            Some(name) => self.path_below(name),
            None => self.path_below(self.name.as_bytes()),
        }
    }
}

/// Overlayfs' notes on a file, and the attributes that are the file's own.
pub(super) fn read_xattrs(path: &Path) -> Result<(Marks, Vec<Xattr>), UpperError> {
    marks_of(xattr::read(path))
}

fn marks_of(xattrs: Result<Vec<Xattr>, Errno>) -> Result<(Marks, Vec<Xattr>), UpperError> {
    let mut xattrs = xattrs.map_err(cannot("cannot read the attributes of"))?;
    Ok((Marks::take_from(&mut xattrs), xattrs))
}

/// Only regular files are opened: to open a device may do something. What is open is cheaper to ask
/// than what has to be found by its name.
fn look_at(
    here: &Here,
    name: &OsStr,
    listed: FileType,
) -> Result<(Stat, Option<File>), UpperError> {
    if listed == FileType::RegularFile {
        let file = open_regular(here, name)?;
        let stat = rustix::fs::fstat(&file).map_err(cannot("cannot stat"))?;
        return Ok((stat, Some(file)));
    }
    let stat = rustix::fs::statat(&here.fd, name, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(cannot("cannot stat"))?;
    let file = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Some(open_regular(here, name)?),
        _ => None,
    };
    Ok((stat, file))
}

fn open_regular(here: &Here, name: &OsStr) -> Result<File, UpperError> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let open = |flags| rustix::fs::openat(&here.fd, name.as_bytes(), flags, Mode::empty());
    // A time of access that nobody asks for would be a write to the disk.
    let file = match open(flags | OFlags::NOATIME) {
        Err(Errno::PERM) => open(flags),
        other => other,
    };
    Ok(file.map_err(cannot("cannot open"))?.into())
}

/// Metadata of a file of the upper.
pub(super) fn metadata(stat: &Stat, xattrs: Vec<Xattr>) -> Metadata {
    Metadata {
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mtime: Timestamp {
            secs: stat.st_mtime,
            nanos: u32::try_from(stat.st_mtime_nsec).unwrap_or(0),
        },
        xattrs,
    }
}

/// Makes an [`UpperError::Io`] of what a system call gave; for `map_err`.
pub(super) fn cannot(action: &'static str) -> impl FnOnce(Errno) -> UpperError {
    move |errno| UpperError::Io {
        action,
        source: errno.into(),
    }
}

/// A path as messages show it.
pub(super) fn display(path: Vec<u8>) -> PathBuf {
    if path.is_empty() {
        PathBuf::from("/")
    } else {
        PathBuf::from(OsString::from_vec(path))
    }
}

fn join(dir: &[u8], name: &[u8]) -> Vec<u8> {
    [dir, b"/", name].concat()
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::thread;

    use nix::unistd::{Uid, setfsuid};
    use rustix::fs::CWD;

    use super::*;
    use crate::dirfd::open_dir;
    use crate::layer::draft::Draft;

    #[test]
    fn a_file_is_opened_by_those_who_may_not_do_it_without_a_time_of_access() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        fs::write(dir.path().join("file"), b"contents").unwrap();
        let here = Here {
            fd: open_dir(CWD, dir.path().as_os_str()).unwrap(),
            node: Draft::ROOT,
            path: Vec::new(),
            below: None,
            depth: 0,
        };
        let read = move || {
            // Of this thread alone.
            setfsuid(Uid::from_raw(65_534));
            [FileType::RegularFile, FileType::Unknown].map(|listed| {
                let (_, file) = Found::read(&here, OsStr::new("file"), listed).unwrap();
                std::io::read_to_string(file.unwrap()).unwrap()
            })
        };
        assert_eq!(thread::spawn(read).join().unwrap(), ["contents"; 2]);
    }
}
