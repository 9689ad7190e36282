//! The root directory of a step, before and while it is entered.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::mount::{MountAttrFlags, UnmountFlags, unmount};
use rustix::process::{fchdir, pivot_root};

use super::staging::Staging;
use super::tree::Tree;
use crate::StepFault;
use crate::fault::Doing;

/// Never leave the root, never follow a link: targets of mounts are free of links.
const CONFINED: ResolveFlags = ResolveFlags::IN_ROOT
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS);

/// A directory that becomes `/`. Every path inside is resolved from its descriptor.
#[derive(Debug)]
pub(super) struct Root(OwnedFd);

/// A file or directory that is open to be mounted, or mounted on.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) fd: OwnedFd,
    pub(super) shape: Shape,
}

/// What decides which places can be mounted on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A directory.
    Directory,
    /// Anything else.
    File,
}

impl Root {
    /// Mounts the rootfs a second time, over itself: `nodev`, and with its setuid programs working.
    /// The staging directory lies hidden between the two and goes with the old root.
    pub(super) fn attach(rootfs: &Path) -> Result<(Self, Staging), StepFault> {
        let fault = |source: io::Error| StepFault::RootFs {
            path: rootfs.into(),
            source,
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let below = rustix::fs::openat(CWD, rootfs, flags, Mode::empty())
            .map_err(|errno| fault(errno.into()))?;
        let tree = Tree::of(&below)
            .and_then(|tree| {
                let suid_works = MountAttrFlags::MOUNT_ATTR_NOSUID;
                tree.replace(MountAttrFlags::MOUNT_ATTR_NODEV, suid_works)
            })
            .map_err(fault)?;
        let staging = Staging::attach_at(rootfs)?;
        Ok((Self(tree.attach_at(rootfs).map_err(fault)?), staging))
    }

    /// Opens a place inside as a mount target; none if it does not exist.
    pub(super) fn find(&self, path: &Path) -> io::Result<Option<Place>> {
        let below = path.strip_prefix("/").unwrap_or(path);
        let below = if below.as_os_str().is_empty() {
            Path::new(".")
        } else {
            below
        };
        match openat2_place(&self.0, below) {
            Ok(fd) => Place::of(fd).map(Some),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Opens a place that every rootfs has.
    pub(super) fn require(&self, path: &str) -> Result<Place, StepFault> {
        let target = || PathBuf::from(path);
        self.find(Path::new(path))
            .map_err(|source| StepFault::Target {
                target: target(),
                source,
            })?
            .ok_or_else(|| StepFault::MissingTarget { target: target() })
    }

    /// Makes it this process's root, and lets the old one go.
    pub(super) fn enter(self) -> Result<(), StepFault> {
        fchdir(&self.0).doing("enter the root file system")?;
        // Stacks the old root on the new one, from where the next call takes it off.
        pivot_root(".", ".").doing("change the root")?;
        unmount(".", UnmountFlags::DETACH).doing("let the old root go")?;
        rustix::process::chdir("/").doing("enter the root file system")
    }
}

impl AsFd for Root {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Place {
    /// Takes an open place. A link can be opened as one, but not mounted.
    pub(super) fn of(fd: OwnedFd) -> io::Result<Self> {
        let shape = match FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode) {
            FileType::Symlink => return Err(Errno::LOOP.into()),
            FileType::Directory => Shape::Directory,
            _ => Shape::File,
        };
        Ok(Self { fd, shape })
    }
}

/// Opens a place below a directory without leaving it or following a link.
pub(super) fn openat2_place(directory: impl AsFd, path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat2(directory, path, flags, Mode::empty(), CONFINED)
}
