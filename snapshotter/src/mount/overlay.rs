//! A chain that can be written, the root of a step: the kernel's overlayfs on a served chain.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use super::context::open_directory;
use super::{Attached, FsContext, MountError, Protection};

/// An overlay that is mounted for as long as this lives.
///
/// Options, and why (kernel documentation, `filesystems/overlayfs.rst`):
///
/// * `volatile`: neither `fsync` nor the unmount waits for the disk. A step that a crash interrupts
///   is thrown away whole, and its commit syncs what it keeps.
/// * `redirect_dir=on`, `metacopy=on`: moving a directory and changing owner or mode copy no data.
/// * `index=off`: the upper is used once, so that hard links need no index.
/// * `xino=on`: inode numbers are unique over upper and lower, and survive copy-up.
/// * `nodev`: a device node that the step makes, or the base image has, does not open.
#[derive(Debug)]
pub struct OverlayMount {
    attached: Attached,
}

impl OverlayMount {
    /// Mounts on `merged` what `lower` shows, with every change going to `upper`.
    ///
    /// `upper` and `work` are empty directories of one file system, made for this mount; `lower`
    /// must not change while it is mounted. Needs `CAP_SYS_ADMIN` in the initial user namespace
    /// (redirects and metadata copies are `trusted.*` attributes).
    ///
    /// # Errors
    ///
    /// [`MountError::Directory`] names the directory that is missing or none;
    /// [`MountError::Refused`] has the kernel's reason.
    pub fn new(lower: &Path, upper: &Path, work: &Path, merged: &Path) -> Result<Self, MountError> {
        Self::attach([lower, upper, work], merged, Protection::NoDevices)
    }

    /// As [`OverlayMount::new`], for everybody on the host to see: `nosuid`, too.
    ///
    /// # Errors
    ///
    /// As [`OverlayMount::new`].
    pub fn for_host(
        lower: &Path,
        upper: &Path,
        work: &Path,
        merged: &Path,
    ) -> Result<Self, MountError> {
        Self::attach([lower, upper, work], merged, Protection::NoDevicesNoSuid)
    }

    fn attach(
        [lower, upper, work]: [&Path; 3],
        merged: &Path,
        protection: Protection,
    ) -> Result<Self, MountError> {
        let context = FsContext::open("overlay")?;
        let directories = [("lowerdir", lower), ("upperdir", upper), ("workdir", work)];
        // Held open until the file system is made: the options name the descriptors.
        let mut opened = Vec::with_capacity(directories.len());
        for (option, path) in directories {
            let directory = open_directory(path)?;
            context.set(option, by_descriptor(&directory))?;
            opened.push(directory);
        }
        for (option, value) in [
            ("redirect_dir", "on"),
            ("metacopy", "on"),
            ("index", "off"),
            ("xino", "on"),
        ] {
            context.set(option, value)?;
        }
        context.set_flag("volatile")?;
        context.create()?;
        Ok(Self {
            attached: context.attach(merged, protection)?,
        })
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.attached.at()
    }

    /// Unmounts, plainly: when this succeeds nobody writes to the upper any more.
    ///
    /// # Errors
    ///
    /// [`MountError::Unmount`] with `EBUSY` when a process still has a file or its working
    /// directory there; the mount is detached then, so that nothing is left in the tree, but its
    /// upper must not be committed.
    pub fn unmount(self) -> Result<(), MountError> {
        let at = self.path().to_owned();
        self.attached.unmount().inspect_err(|_| {
            let _ = super::detach(&at);
        })
    }

    /// Gives up the guard: somebody else has unmounted it, or will.
    pub fn release(self) {
        self.attached.release();
    }
}

/// A path that means the descriptor: free of the 255 bytes that an option's value may have, and of
/// the characters that overlayfs takes for separators.
fn by_descriptor(directory: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", directory.as_raw_fd())
}
