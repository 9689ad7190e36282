//! Removals behind the back of whoever goes on building.
//!
//! On file systems that tell the disk of every freed block at once (ext4 with `discard` and without
//! a journal), removing one directory takes milliseconds, and a step leaves seven. Nobody needs to
//! wait for that but the end of the process.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crate::dirfd::remove_tree;

/// A directory that is to go away with all that is in it.
#[derive(Debug)]
pub(super) struct Doomed {
    pub(super) parent: Arc<OwnedFd>,
    pub(super) name: OsString,
    /// Held until it is gone, so that no sweep begins with it too.
    pub(super) lock: Arc<File>,
}

impl Doomed {
    fn remove(self) {
        // What cannot be removed now, because something is mounted there, is swept by a later start.
        let _ = remove_tree(&self.parent, &self.name);
        drop(self.lock);
    }
}

/// The removals of a process. Dropped, it waits for those that were begun.
#[derive(Debug, Default)]
pub(super) struct Removals {
    remover: Mutex<Option<Remover>>,
}

#[derive(Debug)]
struct Remover {
    queue: Sender<Doomed>,
    thread: JoinHandle<()>,
}

impl Removals {
    /// Removes a directory while the caller goes on; at once where no thread can be had.
    pub(super) fn begin(&self, doomed: Doomed) {
        let mut remover = self.remover.lock().unwrap_or_else(PoisonError::into_inner);
        if remover.is_none() {
            *remover = Remover::start();
        }
        let left = match remover.as_ref() {
            Some(remover) => remover.queue.send(doomed).err().map(|unsent| unsent.0),
            None => Some(doomed),
        };
        left.into_iter().for_each(Doomed::remove);
    }

    /// Waits for the removals that were begun.
    pub(super) fn settle(&self) {
        let mut remover = self.remover.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Remover { queue, thread }) = remover.take() {
            drop(queue);
            let _ = thread.join();
        }
    }
}

impl Drop for Removals {
    fn drop(&mut self) {
        self.settle();
    }
}

impl Remover {
    fn start() -> Option<Self> {
        let (queue, doomed) = channel::<Doomed>();
        let run = move || doomed.into_iter().for_each(Doomed::remove);
        let thread = thread::Builder::new()
            .name("remover".to_owned())
            .spawn(run)
            .ok()?;
        Some(Self { queue, thread })
    }
}
