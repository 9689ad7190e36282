//! The FUSE sessions of a build: every chain that its steps run on or read from.

use iechor_snapshotter::chainfs::VirtualEntry;
use iechor_snapshotter::fuse::{FuseOptions, Sessions, View, Visibility};
use iechor_snapshotter::{Chain, SnapshotStore};

use crate::error::StepError;

/// Serves chains; kept for the whole build, so that what the kernel has read for one step it
/// still has for the next. Seen by this process alone.
#[derive(Debug)]
pub(crate) struct Rootfs {
    sessions: Sessions,
}

impl Rootfs {
    /// Mounts nothing yet.
    pub(crate) fn new(store: &SnapshotStore) -> Self {
        Self {
            sessions: Sessions::new(store, FuseOptions::new(Visibility::Private)),
        }
    }

    /// Shows a chain with some entries that it does not have: mount points.
    pub(crate) fn view(&self, chain: &Chain, entries: &[VirtualEntry]) -> Result<View, StepError> {
        Ok(self.sessions.add_view(chain, entries)?)
    }

    /// How many requests the server could not answer as it should have.
    pub(crate) fn faults(&self) -> u64 {
        self.sessions.faults()
    }
}
