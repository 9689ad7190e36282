//! New files of an upper on their way into the blob store, on several threads.

use std::num::NonZero;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::found::display;
use super::{Take, UpperError};
use crate::blob::{BlobStore, ScratchFile};
use crate::id::Digest;
use crate::layer::NodeKind;
use crate::layer::draft::{Draft, NodeIdx, Payload};
use crate::store::StoreError;

/// Batches that wait for a thread.
const WAITING_MAX: usize = 2;
/// Files of a batch at most.
const BATCH_FILES: usize = 16;
/// A batch of this size goes before it has so many, so that large files are not left to one thread.
const BATCH_BYTES: u64 = 256 * 1024;
/// More threads than this would only wait for the disk.
const THREADS_MAX: usize = 8;
// Files that are open at once: in the walk's batch, those that wait and those of the threads. A process
// may have 1,024 by default, and the server and the walk's directories need theirs.
const _: () = assert!((1 + WAITING_MAX + THREADS_MAX) * BATCH_FILES <= 192);

/// A file to be stored.
#[derive(Debug)]
pub(super) struct NewFile {
    pub(super) scratch: ScratchFile,
    /// Its path in the step's root, for messages.
    pub(super) path: Vec<u8>,
    /// Which node of the draft has these contents.
    pub(super) node: NodeIdx,
}

/// A file that was stored.
struct Stored {
    node: NodeIdx,
    contents: Result<(Digest, u64), StoreError>,
}

/// Takes files in; gone when the walk is over.
///
/// Files go to the threads in batches: waking a thread for each costs as much as hashing it.
#[derive(Debug)]
pub(super) struct Contents {
    jobs: SyncSender<Vec<NewFile>>,
    batch: Vec<NewFile>,
    /// Bytes of the files of the batch.
    len: u64,
    /// How many files make a batch now. The first have few, so that no thread waits for long, and few
    /// files are shared too.
    full: usize,
}

impl Contents {
    /// Runs a walk that makes a draft, stores the files that it finds meanwhile, and fills their
    /// digests in.
    pub(super) fn store_all(
        blobs: &BlobStore,
        take: Take,
        walk: impl FnOnce(Self) -> Result<Draft, StoreError>,
    ) -> Result<Draft, StoreError> {
        let (jobs, waiting) = sync_channel(WAITING_MAX);
        let (done, stored) = channel();
        let waiting = Mutex::new(waiting);
        let mut draft = thread::scope(|scope| {
            for _ in 0..n_threads() {
                let (waiting, done) = (&waiting, done.clone());
                scope.spawn(move || store(blobs, take, waiting, &done));
            }
            drop(done);
            walk(Self::new(jobs))
        })?;
        stored
            .into_iter()
            .try_for_each(|stored| fill_in(&mut draft, stored))?;
        Ok(draft)
    }

    fn new(jobs: SyncSender<Vec<NewFile>>) -> Self {
        Self {
            jobs,
            batch: Vec::new(),
            len: 0,
            full: 1,
        }
    }

    /// Has a file stored; waits while too many are.
    pub(super) fn push(&mut self, file: NewFile) {
        self.len += file.scratch.len;
        self.batch.push(file);
        if self.batch.len() == self.full || self.len >= BATCH_BYTES {
            self.send();
        }
    }

    fn send(&mut self) {
        self.len = 0;
        self.full = (self.full * 2).min(BATCH_FILES);
        // The threads listen as long as this sender lives.
        let _ = self.jobs.send(std::mem::take(&mut self.batch));
    }
}

impl Drop for Contents {
    fn drop(&mut self) {
        if !self.batch.is_empty() {
            self.send();
        }
    }
}

fn n_threads() -> usize {
    thread::available_parallelism()
        .map_or(2, NonZero::get)
        .clamp(2, THREADS_MAX)
}

/// One thread's work, until there are no more files.
fn store(
    blobs: &BlobStore,
    take: Take,
    waiting: &Mutex<Receiver<Vec<NewFile>>>,
    done: &Sender<Stored>,
) {
    let next = || {
        waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv()
    };
    while let Ok(batch) = next() {
        for file in batch {
            // Nobody listens any more when the walk failed.
            let _ = done.send(store_one(blobs, take, file));
        }
    }
}

fn store_one(blobs: &BlobStore, take: Take, file: NewFile) -> Stored {
    let contents = match take {
        Take::Adopt => blobs.adopt(&file.scratch),
        Take::Copy => blobs.copy_from(&file.scratch.file),
    };
    Stored {
        node: file.node,
        contents: contents.map_err(|error| at(file.path, error)),
    }
}

fn at(path: Vec<u8>, error: StoreError) -> StoreError {
    StoreError::Upper {
        path: display(path),
        source: UpperError::Contents(Box::new(error)),
    }
}

fn fill_in(draft: &mut Draft, stored: Stored) -> Result<(), StoreError> {
    let (blob, size) = stored.contents?;
    draft.node_mut(stored.node).payload = Payload::Leaf(NodeKind::Regular { blob, size });
    Ok(())
}
