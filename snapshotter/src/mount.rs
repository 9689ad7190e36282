//! Mounts: how a file system is attached and taken away, the overlay of a step, and what is
//! mounted now.
//!
//! Every mount is made through a file system context (`fsopen(2)`, Linux 5.2): options are set one
//! by one, so that no path needs quoting, the kernel's own words come back when it refuses, and
//! the mount appears complete or not at all.
//!
//! A mount is owned by a guard; whoever drops it unmounts.

mod context;
mod frozen;
mod overlay;
mod table;

use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::mount::UnmountFlags;

pub(crate) use context::{FsContext, Protection};
pub use frozen::Frozen;
pub use overlay::OverlayMount;
pub use table::{Mount, MountKind, mounts};

/// Name that our mounts have as their source in `/proc/self/mountinfo`.
pub(crate) const SOURCE: &str = "iechor";

/// Why something could not be mounted or unmounted.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// The kernel refused to make the file system.
    #[error("cannot mount {fs_type}: {action}")]
    Refused {
        /// Type of the file system: `overlay`, `fuse`.
        fs_type: &'static str,
        /// What was being done, and what the kernel said of it in words: "set upperdir".
        action: String,
        /// The errno.
        source: io::Error,
    },
    /// A directory that takes part in the mount cannot be opened.
    #[error("cannot open directory {path}", path = .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The mount point could not be unmounted.
    #[error("cannot unmount {path}", path = .path.display())]
    Unmount {
        /// The mount point.
        path: PathBuf,
        /// What the kernel said; `EBUSY` when something still uses it.
        source: io::Error,
    },
    /// The mount could not be made read-only, or writable again.
    #[error("cannot make the mount on {path} {access}", path = .path.display())]
    Remount {
        /// The mount point.
        path: PathBuf,
        /// "read-only" or "writable".
        access: &'static str,
        /// What the kernel said; `EBUSY` when a file is open for writing, or is open and has no
        /// name any more.
        source: io::Error,
    },
    /// The kernel's table of mounts cannot be read.
    #[error("cannot read {}", table::MOUNTINFO)]
    Table(#[source] io::Error),
}

/// Unmounts what is mounted on `at`.
///
/// # Errors
///
/// [`MountError::Unmount`]: `EBUSY` when a process still uses it, `EINVAL` when nothing is mounted
/// there.
pub fn unmount(at: &Path) -> Result<(), MountError> {
    take_away(at, UnmountFlags::empty())
}

/// Takes the mount on `at` out of the tree at once; it ends when its last user does.
///
/// # Errors
///
/// As [`unmount`], without `EBUSY`.
pub fn detach(at: &Path) -> Result<(), MountError> {
    take_away(at, UnmountFlags::DETACH)
}

/// Takes a FUSE mount out of the tree and breaks its connection: what still uses it gets
/// `ENOTCONN`, and its server ends.
pub(crate) fn abort(at: &Path) -> Result<(), MountError> {
    take_away(at, UnmountFlags::DETACH | UnmountFlags::FORCE)
}

fn take_away(at: &Path, how: UnmountFlags) -> Result<(), MountError> {
    rustix::mount::unmount(at, how | UnmountFlags::NOFOLLOW).map_err(|errno| MountError::Unmount {
        path: at.to_owned(),
        source: errno.into(),
    })
}

/// How often, and how long apart, a busy mount is tried again.
const BUSY_TRIES: u32 = 200;
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// Unmounts what no one should use any more.
///
/// A process that another thread starts has copies of all descriptors for the moment between its
/// fork and its exec; a mount that such a copy keeps busy is free again at once.
pub(crate) fn unmount_when_free(at: &Path) -> Result<(), MountError> {
    for _ in 0..BUSY_TRIES {
        match unmount(at) {
            Err(MountError::Unmount { source, .. })
                if source.kind() == io::ErrorKind::ResourceBusy =>
            {
                thread::sleep(BUSY_PAUSE);
            }
            unmounted => return unmounted,
        }
    }
    unmount(at)
}

/// Something that is mounted for as long as this lives.
#[derive(Debug)]
pub(crate) struct Attached {
    at: PathBuf,
}

impl Attached {
    /// Where it is mounted.
    pub(crate) fn at(&self) -> &Path {
        &self.at
    }

    /// Unmounts and says whether that worked; on failure it stays mounted and without a guard.
    pub(crate) fn unmount(self) -> Result<(), MountError> {
        let at = self.release();
        unmount_when_free(&at)
    }

    /// Gives up the guard: the mount outlives it.
    pub(crate) fn release(mut self) -> PathBuf {
        std::mem::take(&mut self.at)
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        if self.at.as_os_str().is_empty() {
            return;
        }
        // A drop has nobody to tell; what is busy leaves the tree now and ends with its users.
        if unmount(&self.at).is_err() {
            let _ = detach(&self.at);
        }
    }
}
