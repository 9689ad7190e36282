//! A directory of immutable files that are named by a digest: `ab/<64 hex digits>`.
//!
//! Blobs and layer indexes both lie on one. A file gets its name when it is complete, in one step,
//! and is never changed after that.

#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::StoreError;
use super::error::cannot;
use crate::dirfd::{magic_link, names_in, random_name};
use crate::id::Digest;

/// Begins the names of files that could not be made without a name.
const UNFINISHED: &str = ".new-";

/// The directory, opened once; every access is relative to it.
#[derive(Debug)]
pub(crate) struct Shelf {
    dir: OwnedFd,
    path: PathBuf,
}

/// A file that is being written and has no name on the shelf yet; dropped, it leaves nothing.
#[derive(Debug)]
pub(crate) struct NewFile {
    pub(crate) file: File,
    /// Where the file system knows no nameless files.
    temporary: Option<TemporaryName>,
}

/// A name that goes away with its owner.
#[derive(Debug)]
struct TemporaryName {
    shelf: Arc<Shelf>,
    name: String,
}

/// Sizes of a file on the shelf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileSize {
    /// Logical length.
    pub(crate) len: u64,
    /// What the file takes on disk and gives back when it is removed, at the latest when the scratch
    /// directory goes that it may come from.
    pub(crate) allocated: u64,
}

impl Shelf {
    pub(crate) fn new(dir: OwnedFd, path: PathBuf) -> Arc<Self> {
        Arc::new(Self { dir, path })
    }

    /// Where a file lies, for messages.
    pub(crate) fn path_of(&self, digest: &Digest) -> PathBuf {
        self.path.join(name_of(digest))
    }

    /// Opens a file; none when it is not there.
    pub(crate) fn open(&self, digest: &Digest) -> Result<Option<File>, StoreError> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        match rustix::fs::openat(&self.dir, name_of(digest), flags, Mode::empty()) {
            Ok(file) => Ok(Some(file.into())),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(cannot("cannot open", self.path_of(digest))(errno)),
        }
    }

    /// Sizes of a file; none when it is not there.
    pub(crate) fn size(&self, digest: &Digest) -> Result<Option<FileSize>, StoreError> {
        match rustix::fs::statat(&self.dir, name_of(digest), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(FileSize {
                len: stat.st_size.cast_unsigned(),
                allocated: stat.st_blocks.cast_unsigned() * 512,
            })),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(cannot("cannot stat", self.path_of(digest))(errno)),
        }
    }

    /// Whether a file of this length is there. One of another length was cut off by a power loss
    /// before it was ever promised to anybody, and may be replaced.
    pub(crate) fn has(&self, digest: &Digest, len: u64) -> Result<bool, StoreError> {
        Ok(self.size(digest)?.is_some_and(|size| size.len == len))
    }

    /// Starts a file.
    pub(crate) fn create(self: &Arc<Self>) -> Result<NewFile, StoreError> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.dir, ".", flags, Mode::RUSR) {
            Ok(file) => Ok(NewFile {
                file: file.into(),
                temporary: None,
            }),
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => self.create_named(),
            Err(errno) => Err(cannot("cannot create a file in", &self.path)(errno)),
        }
    }

    fn create_named(self: &Arc<Self>) -> Result<NewFile, StoreError> {
        let name = format!("{UNFINISHED}{}", random_name());
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
        let file: File = rustix::fs::openat(&self.dir, &name, flags, Mode::RUSR)
            .map_err(cannot("cannot create a file in", &self.path))?
            .into();
        let temporary = Some(TemporaryName {
            shelf: Arc::clone(self),
            name,
        });
        // Says to `sweep_unfinished` of other processes that somebody still writes it.
        file.lock()
            .map_err(cannot("cannot lock a file in", &self.path))?;
        Ok(NewFile { file, temporary })
    }

    /// Gives a complete file its name; one that is there with the same length stays instead.
    pub(crate) fn publish(
        self: &Arc<Self>,
        new: NewFile,
        digest: &Digest,
        len: u64,
    ) -> Result<(), StoreError> {
        match &new.temporary {
            Some(temporary) => self.rename(&temporary.name, digest, len),
            None => self.link_in(&new.file, digest, len),
        }
    }

    /// Gives a file its name that has a temporary one.
    fn rename(&self, from: &str, digest: &Digest, len: u64) -> Result<(), StoreError> {
        let to = name_of(digest);
        let rename = |flags| rustix::fs::renameat_with(&self.dir, from, &self.dir, &to, flags);
        match self.in_shard(digest, || rename(RenameFlags::NOREPLACE)) {
            Err(Errno::EXIST) if self.has(digest, len)? => Ok(()),
            Err(Errno::EXIST | Errno::INVAL) => rename(RenameFlags::empty()),
            other => other,
        }
        .map_err(cannot("cannot rename a file to", self.path_of(digest)))
    }

    /// Gives a file of the same file system a name on the shelf too, as [`Shelf::publish`] does.
    /// [`Errno::XDEV`] and [`Errno::MLINK`] are among the errors.
    pub(crate) fn link_in(
        self: &Arc<Self>,
        file: &File,
        digest: &Digest,
        len: u64,
    ) -> Result<(), StoreError> {
        match self.in_shard(digest, || self.link(file, &name_of(digest))) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) if self.has(digest, len)? => Ok(()),
            Err(Errno::EXIST) => self.replace(file, digest, len),
            Err(errno) => Err(cannot("cannot link a file to", self.path_of(digest))(errno)),
        }
    }

    /// Puts a file in the place of one that was cut off.
    fn replace(self: &Arc<Self>, file: &File, digest: &Digest, len: u64) -> Result<(), StoreError> {
        // Says to `sweep_unfinished` of other processes that somebody is at it.
        file.lock()
            .map_err(cannot("cannot lock a file for", &self.path))?;
        let name = format!("{UNFINISHED}{}", random_name());
        self.link(file, &name)
            .map_err(cannot("cannot link a file in", &self.path))?;
        let temporary = TemporaryName {
            shelf: Arc::clone(self),
            name,
        };
        self.rename(&temporary.name, digest, len)
    }

    /// Links a file by descriptor, or through `/proc` where that needs a capability.
    fn link(&self, file: &File, name: &str) -> Result<(), Errno> {
        match rustix::fs::linkat(file, "", &self.dir, name, AtFlags::EMPTY_PATH) {
            Err(Errno::NOENT) => rustix::fs::linkat(
                CWD,
                magic_link(file),
                &self.dir,
                name,
                AtFlags::SYMLINK_FOLLOW,
            ),
            other => other,
        }
    }

    /// Does something in the directory that a digest's file lies in, and makes that first if it was
    /// not there.
    fn in_shard(&self, digest: &Digest, call: impl Fn() -> Result<(), Errno>) -> Result<(), Errno> {
        match call() {
            Err(Errno::NOENT) => self.make_shard(digest).and_then(|()| call()),
            other => other,
        }
    }

    fn make_shard(&self, digest: &Digest) -> Result<(), Errno> {
        match rustix::fs::mkdirat(&self.dir, &digest.hex()[..2], Mode::RWXU) {
            Err(Errno::EXIST) => Ok(()),
            other => other,
        }
    }

    /// Removes a file; gives what it took on disk, or none when it was not there.
    pub(crate) fn remove(&self, digest: &Digest) -> Result<Option<u64>, StoreError> {
        let Some(size) = self.size(digest)? else {
            return Ok(None);
        };
        match rustix::fs::unlinkat(&self.dir, name_of(digest), AtFlags::empty()) {
            Ok(()) => Ok(Some(size.allocated)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(cannot("cannot remove", self.path_of(digest))(errno)),
        }
    }

    /// The digests of all files, sorted.
    pub(crate) fn list(&self) -> Result<Vec<Digest>, StoreError> {
        let mut all = Vec::new();
        for shard in self.names(Path::new("."))? {
            let shard = Path::new(&shard);
            if shard.as_os_str().len() == 2 {
                all.extend(self.names(shard)?.iter().filter_map(|name| digest_of(name)));
            }
        }
        all.sort_unstable();
        Ok(all)
    }

    fn names(&self, dir: &Path) -> Result<Vec<OsString>, StoreError> {
        let error = || cannot("cannot list", self.path.join(dir));
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(&self.dir, dir, flags, Mode::empty()).map_err(error())?;
        names_in(&dir).map_err(error())
    }

    /// Removes files that crashed processes left without having given them their name.
    pub(crate) fn sweep_unfinished(&self) -> Result<(), StoreError> {
        for name in self.names(Path::new("."))? {
            if name.as_bytes().starts_with(UNFINISHED.as_bytes()) {
                self.sweep_one(&name)
                    .map_err(cannot("cannot remove", self.path.join(&name)))?;
            }
        }
        Ok(())
    }

    fn sweep_one(&self, name: &OsStr) -> Result<(), Errno> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = match rustix::fs::openat(&self.dir, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(()),
            Err(errno) => return Err(errno),
        };
        match file.try_lock() {
            Ok(()) => rustix::fs::unlinkat(&self.dir, name, AtFlags::empty()),
            Err(_) => Ok(()),
        }
    }
}

impl Drop for TemporaryName {
    fn drop(&mut self) {
        // Renamed files are gone from here; what else fails is swept by the next start.
        let _ = rustix::fs::unlinkat(&self.shelf.dir, &self.name, AtFlags::empty());
    }
}

fn name_of(digest: &Digest) -> String {
    let hex = digest.hex();
    format!("{}/{hex}", &hex[..2])
}

fn digest_of(name: &OsStr) -> Option<Digest> {
    Digest::from_hex(name.to_str()?).ok()
}
