//! Blobs that are already a file on the store's file system: hashed where they are, and renamed;
//! or copied, when the file stays in use.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{Gid, Mode, OFlags, Uid};

use super::{BlobStore, SMALL, read_small, sparse};
use crate::id::Digest;
use crate::store::StoreError;
use crate::store::error::cannot;
use crate::xattr;

/// What a file has besides its contents, and a blob has not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dress {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Whether it has extended attributes.
    pub(crate) xattrs: bool,
}

impl BlobStore {
    /// Takes a file out of a scratch directory into the store without copying it; gives digest and
    /// logical size. The name is gone after it, or remains if the store has the contents already.
    ///
    /// Nobody else may have the file open for writing.
    pub(crate) fn adopt(
        &self,
        dir: impl AsFd,
        name: &OsStr,
        dress: Dress,
    ) -> Result<(Digest, u64), StoreError> {
        let error = |action| cannot(action, name);
        let file = open(dir.as_fd(), name).map_err(error("cannot open"))?;
        let (digest, len) = hash(&file).map_err(error("cannot read"))?;
        strip(&file, dress).map_err(error("cannot strip the attributes of"))?;
        // Not asked before: most files of a step are new, and the renaming finds the others.
        match self.shelf.rename_in(dir, name, &digest, len) {
            Err(StoreError::Io { source, .. }) if is_other_device(&source) => self.copy_from(&file),
            other => other.map(|()| (digest, len)),
        }
    }

    /// Copies a file of a directory into the store, as [`BlobStore::copy_from`].
    pub(crate) fn copy_in(
        &self,
        dir: impl AsFd,
        name: &OsStr,
    ) -> Result<(Digest, u64), StoreError> {
        self.copy_from(&open(dir, name).map_err(cannot("cannot open", name))?)
    }
}

fn open(dir: impl AsFd, name: &OsStr) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    Ok(rustix::fs::openat(dir, name.as_bytes(), flags, Mode::empty())?.into())
}

fn hash(file: &File) -> io::Result<(Digest, u64)> {
    let len = file.metadata()?.len();
    if len > SMALL {
        return sparse::hash(file);
    }
    let bytes = read_small(file, len)?;
    Ok((Digest::of(&bytes), bytes.len() as u64))
}

/// Takes owner, setuid bits, capabilities and access control lists away.
fn strip(file: &File, dress: Dress) -> io::Result<()> {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    if (Uid::from_raw(dress.uid), Gid::from_raw(dress.gid)) != (user, group) {
        rustix::fs::fchown(file, Some(user), Some(group))?;
    }
    if dress.xattrs {
        xattr::remove_all(file)?;
    }
    Ok(rustix::fs::fchmod(file, Mode::RUSR)?)
}

fn is_other_device(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::CrossesDevices
}
