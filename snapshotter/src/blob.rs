//! Blobs: file contents by SHA-256, written once, shared by all layers.

use std::fs::File;
use std::io;

use crate::id::Digest;
use crate::store::StoreError;

/// The content-addressed store of file contents. Cheap to clone.
#[derive(Debug, Clone)]
pub struct BlobStore;

impl BlobStore {
    /// Opens a blob for reading.
    pub fn open(&self, digest: &Digest) -> Result<File, StoreError> {
        todo!()
    }

    /// Starts a new blob; nothing appears in the store before [`BlobWriter::finish`].
    pub fn writer(&self) -> Result<BlobWriter, StoreError> {
        todo!()
    }

    /// Stores bytes that are in memory.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        todo!()
    }

    /// Copies a file's contents in, holes kept as holes; gives digest and logical size.
    pub fn copy_from(&self, file: &File) -> Result<(Digest, u64), StoreError> {
        todo!()
    }
}

/// A blob being written: hashes as it writes; dropped unfinished it leaves nothing.
#[derive(Debug)]
pub struct BlobWriter;

impl BlobWriter {
    /// Appends a hole of `len` bytes, which reads as zeros and takes no space.
    pub fn skip(&mut self, len: u64) -> io::Result<()> {
        todo!()
    }

    /// Makes the blob appear in the store; gives digest and logical size.
    pub fn finish(self) -> Result<(Digest, u64), StoreError> {
        todo!()
    }
}

impl io::Write for BlobWriter {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        todo!()
    }

    fn flush(&mut self) -> io::Result<()> {
        todo!()
    }
}
