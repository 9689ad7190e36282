//! Snapshots being made by a step: an overlay's upper on a chain.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Gid, Mode, Timespec, Timestamps, UTIME_OMIT, Uid};
use rustix::io::Errno;

use super::error::cannot;
use super::scratch::ScratchDir;
use super::{SnapshotStore, StoreError};
use crate::chain::Chain;
use crate::dirfd::open_dir;
use crate::layer::overlaid::root_metadata;
use crate::layer::{Metadata, Timestamp, Xattr};
use crate::upper::{self, Take};
use crate::{overlay_xattr, xattr};

/// Name of an overlay's `upperdir` in its scratch directory.
const UPPER: &str = "upper";

/// A step's writable layer on a chain: directories for the kernel's overlayfs.
///
/// ```text
/// scratch/<name>/
/// ├── upper/      what the step changes; looks like the chain's root from the start
/// ├── work/       overlayfs' own
/// └── merged/     where the overlay may be mounted
/// ```
///
/// Dropped, it throws the changes away; [`ActiveSnapshot::commit`] makes them a snapshot. Whatever
/// was mounted there has to be unmounted before either. The directories go in the background, and are
/// gone when the store's last handle is.
#[derive(Debug)]
pub struct ActiveSnapshot {
    store: SnapshotStore,
    parent: Chain,
    upper: OwnedFd,
    scratch: ScratchDir,
}

impl SnapshotStore {
    /// Makes the directories for a step that runs on `parent`.
    pub fn prepare(&self, parent: &Chain) -> Result<ActiveSnapshot, StoreError> {
        self.furnish(parent, self.scratch().create()?)
    }

    /// As [`SnapshotStore::prepare`], in a directory of this name, by which other processes find
    /// the upper ([`SnapshotStore::named_upper`]). The name is a file name that nobody else uses.
    pub fn prepare_named(&self, parent: &Chain, name: &str) -> Result<ActiveSnapshot, StoreError> {
        self.furnish(parent, self.scratch().create_named(name)?)
    }

    /// The upper of the active snapshot of this name, as long as its maker lives.
    pub fn named_upper(&self, name: &str) -> PathBuf {
        self.scratch().path_of(name).join(UPPER)
    }

    fn furnish(&self, parent: &Chain, scratch: ScratchDir) -> Result<ActiveSnapshot, StoreError> {
        for name in ["work", "merged"] {
            scratch.make_dir(name)?;
        }
        let upper = scratch.make_dir(UPPER)?;
        dress(&upper, &root_metadata(parent)).map_err(cannot(
            "cannot set the attributes of",
            scratch.path().join(UPPER),
        ))?;
        Ok(ActiveSnapshot {
            store: self.clone(),
            parent: parent.clone(),
            upper,
            scratch,
        })
    }
}

/// Snapshots of what others go on using.
impl SnapshotStore {
    /// Makes a snapshot of an upper that stays in use; gives the parent chain back when it changes
    /// nothing.
    ///
    /// Nobody writes to it meanwhile: its overlay is [frozen](crate::mount::Frozen). Durable only
    /// after [`SnapshotStore::sync`].
    ///
    /// # Locking
    ///
    /// Waits for a sweep to end.
    pub fn commit_copy(&self, parent: &Chain, upper: &Path) -> Result<Chain, StoreError> {
        let lock = self.lock_file().ingest()?;
        let dir = open_dir(CWD, upper.as_os_str()).map_err(cannot("cannot open", upper))?;
        match upper::read(&dir, parent, &[], self.blobs(), Take::Copy)? {
            Some(draft) => self.publish(parent, draft, &lock),
            None => Ok(parent.clone()),
        }
    }
}

impl ActiveSnapshot {
    /// The directory that holds the others; private to this step.
    pub fn dir(&self) -> PathBuf {
        self.scratch.path()
    }

    /// The overlay's `upperdir`.
    pub fn upper(&self) -> PathBuf {
        self.dir().join(UPPER)
    }

    /// The overlay's `workdir`.
    pub fn work(&self) -> PathBuf {
        self.dir().join("work")
    }

    /// An empty directory to mount the overlay at.
    pub fn merged(&self) -> PathBuf {
        self.dir().join("merged")
    }

    /// The chain below.
    pub fn parent(&self) -> &Chain {
        &self.parent
    }

    /// Makes the changes a snapshot; gives the parent chain back when there are none.
    ///
    /// `virtual_entries` are the paths (absolute, without links) that the step's view of the chain
    /// had and the chain does not: mount points and stubs. Left empty by the step they are no change.
    ///
    /// The overlay is unmounted and no process has a file of the upper open. Durable only after
    /// [`SnapshotStore::sync`].
    ///
    /// # Locking
    ///
    /// Waits for a sweep to end.
    pub fn commit(self, virtual_entries: &[&Path]) -> Result<Chain, StoreError> {
        let lock = self.store.lock_file().ingest()?;
        match upper::read(
            &self.upper,
            &self.parent,
            virtual_entries,
            self.store.blobs(),
            Take::Adopt,
        )? {
            Some(draft) => self.store.publish(&self.parent, draft, &lock),
            None => Ok(self.parent.clone()),
        }
    }
}

/// Gives the upper's root the looks of the chain's, so that an untouched one is no change.
fn dress(upper: impl AsFd, metadata: &Metadata) -> Result<(), Errno> {
    let upper = upper.as_fd();
    let owner = (Uid::from_raw(metadata.uid), Gid::from_raw(metadata.gid));
    rustix::fs::fchown(upper, Some(owner.0), Some(owner.1))?;
    rustix::fs::fchmod(upper, Mode::from_raw_mode(metadata.mode))?;
    xattr::write(upper, &escaped(&metadata.xattrs))?;
    rustix::fs::futimens(upper, &modified_at(metadata.mtime))
}

/// Attributes under the names that an upper has them by.
fn escaped(xattrs: &[Xattr]) -> Vec<Xattr> {
    let escape = |Xattr { name, value }: &Xattr| Xattr {
        name: overlay_xattr::escape(name).into_owned(),
        value: value.clone(),
    };
    xattrs.iter().map(escape).collect()
}

fn modified_at(mtime: Timestamp) -> Timestamps {
    Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: mtime.secs,
            tv_nsec: mtime.nanos.into(),
        },
    }
}
