//! Blobs from a stream.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use super::{BlobStore, SMALL, sparse};
use crate::id::{Digest, Hasher};
use crate::store::StoreError;
use crate::store::error::cannot;
use crate::store::shelf::NewFile;

/// A blob being written: hashes as it writes; dropped unfinished it leaves nothing.
#[derive(Debug)]
pub struct BlobWriter {
    store: BlobStore,
    state: State,
}

/// Where the contents are so far.
#[derive(Debug)]
enum State {
    /// In memory: the store may turn out to have them.
    Small(Vec<u8>),
    /// In a file without a name.
    Large(Spilled),
}

#[derive(Debug)]
struct Spilled {
    new: NewFile,
    hasher: Hasher,
    len: u64,
}

impl BlobWriter {
    pub(super) fn new(store: BlobStore) -> Self {
        Self {
            store,
            state: State::Small(Vec::new()),
        }
    }

    /// Appends a hole of `len` bytes, which reads as zeros and takes no space.
    pub fn skip(&mut self, len: u64) -> io::Result<()> {
        if len > 0 {
            self.spill()?.skip(len);
        }
        Ok(())
    }

    /// Makes the blob appear in the store; gives digest and logical size.
    pub fn finish(self) -> Result<(Digest, u64), StoreError> {
        match self.state {
            State::Small(bytes) => Ok((self.store.put(&bytes)?, bytes.len() as u64)),
            State::Large(spilled) => spilled.finish(&self.store),
        }
    }

    /// Moves what is in memory to a file.
    fn spill(&mut self) -> io::Result<&mut Spilled> {
        if let State::Small(bytes) = &self.state {
            let new = self.store.shelf.create().map_err(io::Error::other)?;
            let mut spilled = Spilled {
                new,
                hasher: Hasher::new(),
                len: 0,
            };
            spilled.append(bytes)?;
            self.state = State::Large(spilled);
        }
        match &mut self.state {
            State::Large(spilled) => Ok(spilled),
            State::Small(_) => Err(io::ErrorKind::Other.into()),
        }
    }
}

impl Write for BlobWriter {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            State::Small(bytes) if (bytes.len() + buf.len()) as u64 <= SMALL => {
                bytes.extend_from_slice(buf);
            }
            _ => self.spill()?.append(buf)?,
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Spilled {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file().write_all_at(bytes, self.len)?;
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn skip(&mut self, len: u64) {
        sparse::hash_zeros(&mut self.hasher, len);
        self.len += len;
    }

    fn file(&self) -> &File {
        &self.new.file
    }

    fn finish(self, store: &BlobStore) -> Result<(Digest, u64), StoreError> {
        let digest = self.hasher.clone().finish();
        let error = cannot("cannot write", store.shelf.path_of(&digest));
        self.file().set_len(self.len).map_err(error)?;
        store.shelf.publish(self.new, &digest, self.len)?;
        Ok((digest, self.len))
    }
}
