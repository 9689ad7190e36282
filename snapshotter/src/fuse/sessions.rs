//! One session for chains without extended attributes, and one for those with some.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{FuseError, FuseOptions, FuseSession, View, Xattrs};
use crate::chain::Chain;
use crate::chainfs::VirtualEntry;
use crate::store::{MountPoint, SnapshotStore};

/// Shows any chain, each on the session that answers it best. A session is mounted, on a directory of
/// the store's scratch, when the first chain needs it.
#[derive(Debug)]
pub struct Sessions {
    store: SnapshotStore,
    options: FuseOptions,
    /// Of chains in which no file has extended attributes: nearly all are.
    plain: Slot,
    full: Slot,
}

type Slot = Mutex<Option<Mounted>>;

/// A session and where it is mounted; it is unmounted before the directory goes.
#[derive(Debug)]
struct Mounted {
    session: FuseSession,
    _at: MountPoint,
}

impl Sessions {
    /// No session yet; what the options say of extended attributes does not matter.
    pub fn new(store: &SnapshotStore, options: FuseOptions) -> Self {
        Self {
            store: store.clone(),
            options,
            plain: Slot::default(),
            full: Slot::default(),
        }
    }

    /// Shows a chain, with virtual entries where the chain has nothing.
    ///
    /// # Errors
    ///
    /// As [`FuseSession::start`] and [`FuseSession::add_view`]; [`FuseError::Store`].
    pub fn add_view(&self, chain: &Chain, stubs: &[VirtualEntry]) -> Result<View, FuseError> {
        let xattrs = Xattrs::of(chain);
        let mut slot = lock(match xattrs {
            Xattrs::Absent => &self.plain,
            Xattrs::Served => &self.full,
        });
        let mounted = match slot.take() {
            Some(mounted) => mounted,
            None => self.mount(xattrs)?,
        };
        slot.insert(mounted).session.add_view(chain, stubs)
    }

    /// How many requests could not be answered as they should have been; why, the first of them says.
    pub fn faults(&self) -> u64 {
        let count = |slot| lock(slot).as_ref().map_or(0, Mounted::faults);
        count(&self.plain) + count(&self.full)
    }

    fn mount(&self, xattrs: Xattrs) -> Result<Mounted, FuseError> {
        let at = self.store.mount_point()?;
        let options = self.options.with(xattrs);
        Ok(Mounted {
            session: FuseSession::start(self.store.blobs(), &at.path(), options)?,
            _at: at,
        })
    }
}

impl Mounted {
    fn faults(&self) -> u64 {
        self.session.faults().count()
    }
}

fn lock(slot: &Slot) -> MutexGuard<'_, Option<Mounted>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}
