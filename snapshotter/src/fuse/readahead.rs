//! A thread that has small files brought into memory before the kernel asks for them.
//!
//! They are brought into the page cache of the store's file system, not into the kernel's for this
//! mount: giving the kernel pages unasked (`FUSE_NOTIFY_STORE`) takes locks that a request may hold.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock, Weak};
use std::thread;

use crate::chainfs::{Ahead, ChainFs, Ino};

/// Fetchings that may wait; more are dropped, for then the disk or the processors have enough to do.
const WAITING_MAX: usize = 8;

/// Fetches ahead. Dropped, its thread ends.
#[derive(Debug, Default)]
pub(super) struct ReadAhead {
    /// None inside when no thread could be started.
    jobs: OnceLock<Option<SyncSender<Ahead>>>,
}

impl ReadAhead {
    /// Notes that the kernel was given the beginning of a file.
    pub(super) fn note(&self, fs: &Arc<ChainFs>, ino: Ino) {
        let Some(ahead) = fs.read_ahead(ino) else {
            return;
        };
        if let Some(jobs) = self.jobs.get_or_init(|| start(fs)) {
            // Nothing is lost by one that does not fit.
            let _ = jobs.try_send(ahead);
        }
    }
}

/// Starts the thread; without one nothing is fetched ahead.
fn start(fs: &Arc<ChainFs>) -> Option<SyncSender<Ahead>> {
    let (jobs, waiting) = sync_channel(WAITING_MAX);
    // The thread must not be what keeps the file system, and with it the store, open.
    let fs = Arc::downgrade(fs);
    let thread = thread::Builder::new().name("iechor-ahead".to_owned());
    let started = thread.spawn(move || fetch_all(&fs, waiting));
    started.ok().map(|_| jobs)
}

fn fetch_all(fs: &Weak<ChainFs>, waiting: Receiver<Ahead>) {
    for ahead in waiting {
        if let Some(fs) = fs.upgrade() {
            fs.fetch(&ahead);
        }
    }
}
