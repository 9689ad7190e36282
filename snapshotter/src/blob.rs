//! Blobs: file contents by SHA-256, written once, shared by all layers.
//!
//! A blob is a plain file of mode 0400 that the builder owns. Whatever a file of an image had besides
//! its contents (owner, setuid bit, capabilities) stands in a layer index and never on the disk.
//!
//! # Locking
//!
//! A blob that no layer names yet is removed by a sweep. Whoever stores blobs holds a
//! [`crate::LayerWriter`] from before the first of them until it commits the layer that names them.

mod adopt;
mod sparse;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

pub(crate) use self::adopt::{Dress, ScratchFile};
pub use self::writer::BlobWriter;
use crate::id::Digest;
use crate::store::StoreError;
use crate::store::error::cannot;
use crate::store::shelf::{NewFile, Shelf};

/// Up to this size a file is read as a whole, so that nothing is written if the store has it.
const SMALL: u64 = 128 * 1024;

/// The content-addressed store of file contents. Cheap to clone.
#[derive(Debug, Clone)]
pub struct BlobStore {
    shelf: Arc<Shelf>,
}

impl BlobStore {
    pub(crate) fn new(shelf: Arc<Shelf>) -> Self {
        Self { shelf }
    }

    pub(crate) fn shelf(&self) -> &Arc<Shelf> {
        &self.shelf
    }

    /// Opens a blob for reading.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoBlob`] when it is not there.
    pub fn open(&self, digest: &Digest) -> Result<File, StoreError> {
        self.shelf.open(digest)?.ok_or(StoreError::NoBlob(*digest))
    }

    /// Starts a new blob; nothing appears in the store before [`BlobWriter::finish`].
    pub fn writer(&self) -> Result<BlobWriter, StoreError> {
        Ok(BlobWriter::new(self.clone()))
    }

    /// Stores bytes that are in memory.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = Digest::of(bytes);
        let len = bytes.len() as u64;
        if !self.shelf.has(&digest, len)? {
            let mut new = self.shelf.create()?;
            new.file
                .write_all(bytes)
                .map_err(cannot("cannot write", self.shelf.path_of(&digest)))?;
            self.shelf.publish(new, &digest, len)?;
        }
        Ok(digest)
    }

    /// Copies a file's contents in, holes kept as holes; gives digest and logical size.
    ///
    /// Shares the file's blocks where the file system can (reflink).
    pub fn copy_from(&self, file: &File) -> Result<(Digest, u64), StoreError> {
        let len = file
            .metadata()
            .map_err(cannot("cannot stat", "the file to copy"))?
            .len();
        if len > SMALL {
            return self.copy_large(file);
        }
        let bytes = read_small(file, len).map_err(cannot("cannot read", "the file to copy"))?;
        if bytes.len() as u64 > SMALL {
            // It grew while it was read.
            return self.copy_large(file);
        }
        Ok((self.put(&bytes)?, bytes.len() as u64))
    }

    fn copy_large(&self, file: &File) -> Result<(Digest, u64), StoreError> {
        let new = self.shelf.create()?;
        let (digest, len) =
            fill(&new, file).map_err(cannot("cannot copy", "a file into the store"))?;
        self.shelf.publish(new, &digest, len)?;
        Ok((digest, len))
    }

    /// Hashes a blob again and compares with its name.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] when its contents changed, [`StoreError::NoBlob`] when it is gone.
    pub fn verify(&self, digest: &Digest) -> Result<(), StoreError> {
        let file = self.open(digest)?;
        let error = || cannot("cannot read", self.shelf.path_of(digest));
        let (found, _) = sparse::hash(&file).map_err(error())?;
        if found == *digest {
            Ok(())
        } else {
            Err(StoreError::Damaged {
                path: self.shelf.path_of(digest),
                found,
            })
        }
    }
}

/// Reads a file from its start, one byte more than expected to see whether it grew; at most one
/// more than [`SMALL`].
fn read_small(file: &File, len: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0) + 1];
    let mut filled = 0;
    loop {
        match file.read_at(&mut bytes[filled..], filled as u64) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        // A regular file gives less than was asked for at its end alone.
        if filled < bytes.len() || filled > SMALL as usize {
            break;
        }
        bytes.resize(SMALL as usize + 1, 0);
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Gives a new file the contents of another.
fn fill(new: &NewFile, source: &File) -> std::io::Result<(Digest, u64)> {
    match rustix::fs::ioctl_ficlone(&new.file, source) {
        // Hashing what was cloned, not the source, which others may be writing.
        Ok(()) => sparse::hash(&new.file),
        // The bytes must be read for the digest anyway, so copy_file_range would save nothing.
        Err(_) => sparse::copy(source, &new.file),
    }
}
