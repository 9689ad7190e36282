//! New files of an upper on their way into the blob store, on several threads.

use std::ffi::OsString;
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::found::display;
use super::{Take, UpperError};
use crate::blob::{BlobStore, Dress};
use crate::id::Digest;
use crate::layer::NodeKind;
use crate::layer::draft::{Draft, NodeIdx, Payload};
use crate::store::StoreError;

/// Files that wait for a thread; each may hold a directory's descriptor.
const WAITING_MAX: usize = 64;
/// More threads than this would only wait for the disk.
const THREADS_MAX: usize = 8;

/// A file to be stored.
#[derive(Debug)]
pub(super) struct NewFile {
    pub(super) dir: Arc<OwnedFd>,
    pub(super) name: OsString,
    /// Its path in the step's root, for messages.
    pub(super) path: Vec<u8>,
    pub(super) dress: Dress,
    /// Which node of the draft has these contents.
    pub(super) node: NodeIdx,
}

/// A file that was stored.
struct Stored {
    node: NodeIdx,
    contents: Result<(Digest, u64), StoreError>,
}

/// Takes files in; gone when the walk is over.
#[derive(Debug)]
pub(super) struct Contents {
    jobs: SyncSender<NewFile>,
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
            walk(Self { jobs })
        })?;
        stored
            .into_iter()
            .try_for_each(|stored| fill_in(&mut draft, stored))?;
        Ok(draft)
    }

    /// Has a file stored; waits while too many are.
    pub(super) fn push(&self, file: NewFile) {
        // The threads listen as long as this sender lives.
        let _ = self.jobs.send(file);
    }
}

fn n_threads() -> usize {
    thread::available_parallelism()
        .map_or(2, NonZero::get)
        .clamp(2, THREADS_MAX)
}

/// One thread's work, until there are no more files.
fn store(blobs: &BlobStore, take: Take, waiting: &Mutex<Receiver<NewFile>>, done: &Sender<Stored>) {
    loop {
        let next = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(file) = next else { return };
        let contents = match take {
            Take::Move => blobs.adopt(&*file.dir, &file.name, file.dress),
            Take::Copy => blobs.copy_in(&*file.dir, &file.name),
        };
        let contents = contents.map_err(|error| at(file.path, error));
        // Nobody listens any more when the walk failed.
        let _ = done.send(Stored {
            node: file.node,
            contents,
        });
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
