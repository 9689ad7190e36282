//! Blobs that are already a file on the store's file system: hashed where they are, and linked.

use std::fs::File;
use std::io;

use rustix::fs::{Gid, Mode, Uid};
use rustix::io::Errno;

use super::{BlobStore, SMALL, read_small, sparse};
use crate::id::Digest;
use crate::store::StoreError;
use crate::store::error::cannot;
use crate::xattr;

/// A file of a scratch directory.
#[derive(Debug)]
pub(crate) struct ScratchFile {
    /// Open for reading.
    pub(crate) file: File,
    /// Its logical size, when it was looked at.
    pub(crate) len: u64,
    pub(crate) dress: Dress,
}

/// What a file has besides its contents, and a blob has not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dress {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Whether it has extended attributes.
    pub(crate) xattrs: bool,
}

impl BlobStore {
    /// Takes a file of a scratch directory into the store, without copying it if it can have one more
    /// name; gives digest and logical size.
    ///
    /// The file must not be written any more. Its old name is left to whoever removes the scratch
    /// directory. It is not renamed: only one process at a time may rename from directory to directory
    /// on a file system, while links into different directories are made side by side.
    pub(crate) fn adopt(&self, scratch: &ScratchFile) -> Result<(Digest, u64), StoreError> {
        let ScratchFile { file, len, dress } = scratch;
        let error = |action| cannot(action, "the file to store");
        let (digest, len) = hash(file, *len).map_err(error("cannot read"))?;
        strip(file, *dress).map_err(error("cannot strip the attributes of"))?;
        // Not asked before: most files of a step are new, and the linking finds the others.
        let linked = self.shelf.link_in(file, &digest, len);
        match linked.as_ref().err().and_then(errno) {
            // Another file system, or no room for one name more.
            Some(Errno::XDEV | Errno::MLINK) => self.copy_from(file),
            _ => linked.map(|()| (digest, len)),
        }
    }
}

fn errno(error: &StoreError) -> Option<Errno> {
    match error {
        StoreError::Io { source, .. } => Errno::from_io_error(source),
        _ => None,
    }
}

fn hash(file: &File, len: u64) -> io::Result<(Digest, u64)> {
    if len > SMALL {
        return sparse::hash(file);
    }
    let bytes = read_small(file, len)?;
    if bytes.len() as u64 > SMALL {
        // It grew since it was looked at.
        return sparse::hash(file);
    }
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
