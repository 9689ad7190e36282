//! The one FUSE session of a build: every chain that its steps run on or read from.

use iechor_snapshotter::chainfs::VirtualEntry;
use iechor_snapshotter::fuse::{FuseOptions, FuseSession, View, Visibility};
use iechor_snapshotter::{Chain, MountPoint, SnapshotStore};

use crate::error::StepError;

/// Serves chains; kept for the whole build, so that what the kernel has read for one step it
/// still has for the next.
#[derive(Debug)]
pub(crate) struct Rootfs {
    /// Unmounted before the directory below it goes.
    fuse: FuseSession,
    _at: MountPoint,
}

impl Rootfs {
    /// Mounts the session in a scratch directory of the store, seen by this process alone.
    pub(crate) fn start(store: &SnapshotStore) -> Result<Self, StepError> {
        let at = store.mount_point()?;
        let fuse = FuseSession::start(
            store.blobs(),
            &at.path(),
            FuseOptions::new(Visibility::Private),
        )?;
        Ok(Self { fuse, _at: at })
    }

    /// Shows a chain with some entries that it does not have: mount points.
    pub(crate) fn view(&self, chain: &Chain, entries: &[VirtualEntry]) -> Result<View, StepError> {
        Ok(self.fuse.add_view(chain, entries)?)
    }

    /// How many requests the server could not answer as it should have.
    pub(crate) fn faults(&self) -> u64 {
        self.fuse.faults().count()
    }
}
