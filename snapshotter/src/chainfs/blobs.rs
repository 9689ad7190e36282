//! Blobs that are open for reading.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::blob::BlobStore;
use crate::id::Digest;
use crate::store::StoreError;

/// Keeps the blobs used lately open, in two generations: one that was not used while a whole
/// generation was opened is closed.
#[derive(Debug)]
pub(super) struct BlobFiles {
    blobs: BlobStore,
    open: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Digest, Arc<File>>,
    old: HashMap<Digest, Arc<File>>,
}

impl BlobFiles {
    /// How many descriptors are kept at most, both generations together: half of the 1,024 that a
    /// process gets by default.
    const OPEN_MAX: usize = 512;

    pub(super) fn new(blobs: &BlobStore) -> Self {
        Self {
            blobs: blobs.clone(),
            open: Mutex::default(),
        }
    }

    /// The contents with this digest. The position of the file is nobody's: read with offsets.
    pub(super) fn get(&self, digest: &Digest) -> Result<Arc<File>, StoreError> {
        if let Some(file) = self.lock().get(digest) {
            return Ok(file);
        }
        // Opened outside of the lock; two threads may both do it, and one wins.
        let file = Arc::new(self.blobs.open(digest)?);
        self.lock().insert(*digest, Arc::clone(&file));
        Ok(file)
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn get(&mut self, digest: &Digest) -> Option<Arc<File>> {
        if let Some(file) = self.young.get(digest) {
            return Some(Arc::clone(file));
        }
        let file = self.old.remove(digest)?;
        self.insert(*digest, Arc::clone(&file));
        Some(file)
    }

    fn insert(&mut self, digest: Digest, file: Arc<File>) {
        if self.young.len() >= BlobFiles::OPEN_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest, file);
    }
}
