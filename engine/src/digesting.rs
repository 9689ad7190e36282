//! Bytes that are wanted for their digest alone.

use std::io::{self, Write};

use iechor_snapshotter::{Digest, Hasher};

/// Takes bytes and keeps none.
#[derive(Debug, Default)]
pub(crate) struct Digesting {
    hasher: Hasher,
    size: u64,
}

impl Digesting {
    /// Digest and number of the bytes that came.
    pub(crate) fn finish(self) -> (Digest, u64) {
        (self.hasher.finish(), self.size)
    }
}

impl Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
