//! What a server shows: a chain as it is, or one that can be written.

use std::path::Path;

use iechor_snapshotter::fuse::{FuseOptions, FuseSession, ServedChain, Visibility};
use iechor_snapshotter::mount::OverlayMount;
use iechor_snapshotter::{ActiveSnapshot, Chain, SnapshotStore};

use super::MountError;
use super::record::MountRecord;

/// Something that is mounted for everybody on the host.
#[derive(Debug)]
pub(super) enum Shown {
    /// The chain.
    ReadOnly(ServedChain),
    /// An overlay on it.
    Writable(Writable),
}

/// A chain that can be written. Dropped, it is unmounted and what was written is gone.
#[derive(Debug)]
pub(super) struct Writable {
    overlay: OverlayMount,
    /// The overlay's lower, which is in no tree of mounts.
    below: ServedChain,
    scratch: ActiveSnapshot,
}

impl Shown {
    /// Mounts the chain as the record says.
    pub(super) fn mount(
        store: &SnapshotStore,
        chain: &Chain,
        root: &Path,
        record: &MountRecord,
    ) -> Result<Self, MountError> {
        let serve = |at: &Path| {
            let options = FuseOptions::new(Visibility::Host);
            FuseSession::serve_chain(store.blobs(), chain, at, options)
        };
        match record.below(root) {
            None => Ok(Self::ReadOnly(serve(&record.dir)?)),
            Some(below) => {
                let scratch = store.prepare_named(chain, &record.id)?;
                Writable::mount(serve(&below)?, scratch, &record.dir).map(Self::Writable)
            }
        }
    }

    /// Serves until somebody unmounts it.
    pub(super) fn wait(self) -> Result<(), MountError> {
        match self {
            Self::ReadOnly(served) => Ok(served.wait()?),
            Self::Writable(writable) => writable.wait(),
        }
    }

    /// Unmounts it.
    pub(super) fn stop(self) -> Result<(), MountError> {
        match self {
            Self::ReadOnly(served) => Ok(served.stop()?),
            Self::Writable(writable) => writable.stop(),
        }
    }
}

impl Writable {
    fn mount(
        mut below: ServedChain,
        scratch: ActiveSnapshot,
        at: &Path,
    ) -> Result<Self, MountError> {
        let overlay = OverlayMount::for_host(below.path(), &scratch.upper(), &scratch.work(), at)?;
        below.leave_tree()?;
        Ok(Self {
            overlay,
            below,
            scratch,
        })
    }

    /// The overlay is what keeps the chain served: when that ends, it was unmounted.
    fn wait(self) -> Result<(), MountError> {
        let served = self.below.wait();
        self.overlay.release();
        drop(self.scratch);
        Ok(served?)
    }

    fn stop(self) -> Result<(), MountError> {
        let unmounted = self.overlay.unmount();
        self.below.wait()?;
        drop(self.scratch);
        Ok(unmounted?)
    }
}
