//! Scratch directories: flocked while somebody works in them, swept when nobody does.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::fs::{AtFlags, FlockOperation, Mode};
use rustix::io::Errno;

use super::StoreError;
use super::error::cannot;
use super::removals::{Doomed, Removals};
use crate::dirfd::{names_in, open_dir, random_name, remove_tree};

/// The directory in which scratch directories are made.
#[derive(Debug)]
pub(crate) struct ScratchRoot {
    dir: Arc<OwnedFd>,
    path: PathBuf,
    removals: Removals,
}

/// One scratch directory. It goes away, with all that is in it, after this is dropped and before
/// the store's last handle is.
#[derive(Debug)]
pub(crate) struct ScratchDir {
    root: Arc<ScratchRoot>,
    /// Holds the lock.
    dir: Arc<File>,
    name: OsString,
}

impl ScratchRoot {
    pub(crate) fn new(dir: OwnedFd, path: PathBuf) -> Self {
        Self {
            dir: Arc::new(dir),
            path,
            removals: Removals::default(),
        }
    }

    /// Makes a scratch directory.
    pub(crate) fn create(self: &Arc<Self>) -> Result<ScratchDir, StoreError> {
        self.create_named(&random_name())
    }

    /// Makes a scratch directory that others find by its name, which nobody else has.
    pub(crate) fn create_named(self: &Arc<Self>, name: &str) -> Result<ScratchDir, StoreError> {
        loop {
            if let Some(dir) = self.try_create(name.into())? {
                return Ok(dir);
            }
        }
    }

    /// Makes and locks one; none when a sweep took it for abandoned before it was locked.
    fn try_create(self: &Arc<Self>, name: OsString) -> Result<Option<ScratchDir>, StoreError> {
        let error = |action| cannot(action, self.path.join(&name));
        rustix::fs::mkdirat(&self.dir, &name, Mode::RWXU).map_err(error("cannot create"))?;
        let dir = match open_dir(&self.dir, &name) {
            Err(Errno::NOENT) => return Ok(None),
            opened => File::from(opened.map_err(error("cannot open"))?),
        };
        rustix::fs::flock(&dir, FlockOperation::LockExclusive).map_err(error("cannot lock"))?;
        Ok(self.still_has(&name, &dir).then(|| ScratchDir {
            root: Arc::clone(self),
            dir: Arc::new(dir),
            name,
        }))
    }

    /// Where the directory of this name is, or would be.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn still_has(&self, name: &OsStr, dir: &File) -> bool {
        let named = rustix::fs::statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW);
        let held = rustix::fs::fstat(dir);
        matches!((named, held), (Ok(named), Ok(held)) if named.st_ino == held.st_ino)
    }

    /// Waits until the scratch directories that were dropped are gone.
    #[cfg(test)]
    pub(crate) fn settle(&self) {
        self.removals.settle();
    }

    /// Removes the directories that nobody holds.
    pub(crate) fn sweep(&self) -> Result<(), StoreError> {
        for name in names_in(&self.dir).map_err(cannot("cannot list", &self.path))? {
            self.sweep_one(&name)
                .map_err(cannot("cannot remove", self.path.join(&name)))?;
        }
        Ok(())
    }

    fn sweep_one(&self, name: &OsStr) -> Result<(), Errno> {
        let dir = match open_dir(&self.dir, name) {
            Ok(dir) => File::from(dir),
            Err(Errno::NOENT) => return Ok(()),
            Err(errno) => return Err(errno),
        };
        if dir.try_lock().is_err() {
            return Ok(());
        }
        remove_tree(&self.dir, name)
    }
}

impl ScratchDir {
    /// The directory's path.
    pub(crate) fn path(&self) -> PathBuf {
        self.root.path.join(&self.name)
    }

    /// Makes a directory in it, open to its owner alone.
    pub(crate) fn make_dir(&self, name: &str) -> Result<OwnedFd, StoreError> {
        let error = || cannot("cannot create", self.path().join(name));
        rustix::fs::mkdirat(&self.dir, name, Mode::RWXU).map_err(error())?;
        open_dir(&self.dir, OsStr::new(name)).map_err(error())
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        self.root.removals.begin(Doomed {
            parent: Arc::clone(&self.root.dir),
            name: std::mem::take(&mut self.name),
            lock: Arc::clone(&self.dir),
        });
    }
}
