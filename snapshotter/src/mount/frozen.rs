//! A mount that is not written for a while.

use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, mount_remount};

use super::MountError;

/// What our mounts for the host have besides; a remount sets all flags anew.
const HOST_FLAGS: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV);

/// A writable mount for the host ([`super::OverlayMount::for_host`]) that is read-only for as long
/// as this lives. Writers get `EROFS`; who only reads notices nothing.
///
/// A process that is killed meanwhile leaves it read-only; the next one to freeze it thaws it.
#[derive(Debug)]
pub struct Frozen {
    at: PathBuf,
}

impl Frozen {
    /// Makes the mount on `at` read-only, if nobody is writing.
    ///
    /// # Errors
    ///
    /// [`MountError::Remount`] with `EBUSY` when a file is open for writing.
    pub fn new(at: &Path) -> Result<Self, MountError> {
        remount(at, HOST_FLAGS.union(MountFlags::RDONLY), "read-only")?;
        Ok(Self { at: at.to_owned() })
    }

    /// Makes it writable again, and says whether that worked.
    ///
    /// # Errors
    ///
    /// [`MountError::Remount`]; somebody may have unmounted it.
    pub fn thaw(mut self) -> Result<(), MountError> {
        remount(&std::mem::take(&mut self.at), HOST_FLAGS, "writable")
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        if !self.at.as_os_str().is_empty() {
            // A drop has nobody to tell.
            let _ = remount(&self.at, HOST_FLAGS, "writable");
        }
    }
}

fn remount(at: &Path, flags: MountFlags, access: &'static str) -> Result<(), MountError> {
    mount_remount(at, flags, c"").map_err(|errno| MountError::Remount {
        path: at.to_owned(),
        access,
        source: errno.into(),
    })
}
