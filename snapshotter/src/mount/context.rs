//! A file system being configured: `fsopen(2)`, `fsconfig(2)`, `fsmount(2)`, `move_mount(2)`.

use std::fmt::Display;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags};

use super::{Attached, MountError, SOURCE};

/// What a mount keeps its users from doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protection {
    /// Device nodes do not open.
    NoDevices,
    /// As `NoDevices`, and set-user-id bits and file capabilities give nothing.
    NoDevicesNoSuid,
    /// Nothing can be written and device nodes do not open.
    ReadOnly,
    /// As `ReadOnly`, and set-user-id bits and file capabilities give nothing.
    ReadOnlyNoSuid,
}

impl Protection {
    fn attributes(self) -> MountAttrFlags {
        let read_only = MountAttrFlags::MOUNT_ATTR_RDONLY | MountAttrFlags::MOUNT_ATTR_NODEV;
        match self {
            Self::NoDevices => MountAttrFlags::MOUNT_ATTR_NODEV,
            Self::NoDevicesNoSuid => {
                MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOSUID
            }
            Self::ReadOnly => read_only,
            Self::ReadOnlyNoSuid => read_only | MountAttrFlags::MOUNT_ATTR_NOSUID,
        }
    }
}

/// A file system that gets its options one by one and is then attached.
#[derive(Debug)]
pub(crate) struct FsContext {
    fs_type: &'static str,
    fd: OwnedFd,
}

impl FsContext {
    /// Starts a file system of this type, with the source name that all our mounts have.
    pub(crate) fn open(fs_type: &'static str) -> Result<Self, MountError> {
        let fd = rustix::mount::fsopen(fs_type, FsOpenFlags::FSOPEN_CLOEXEC).map_err(|errno| {
            MountError::Refused {
                fs_type,
                action: "fsopen".to_owned(),
                source: errno.into(),
            }
        })?;
        let context = Self { fs_type, fd };
        context.set("source", SOURCE)?;
        Ok(context)
    }

    /// Sets an option that has a value.
    pub(crate) fn set(&self, key: &str, value: impl Display) -> Result<(), MountError> {
        rustix::mount::fsconfig_set_string(&self.fd, key, value.to_string())
            .map_err(|errno| self.refused(format!("set {key}"), errno))
    }

    /// Sets an option that has none.
    pub(crate) fn set_flag(&self, key: &str) -> Result<(), MountError> {
        rustix::mount::fsconfig_set_flag(&self.fd, key)
            .map_err(|errno| self.refused(format!("set {key}"), errno))
    }

    /// Makes the file system of what was set; it is mounted nowhere yet.
    pub(crate) fn create(&self) -> Result<(), MountError> {
        rustix::mount::fsconfig_create(&self.fd)
            .map_err(|errno| self.refused("create".to_owned(), errno))
    }

    /// Mounts it on the directory `at`.
    pub(crate) fn attach(self, at: &Path, protection: Protection) -> Result<Attached, MountError> {
        let target = open_directory(at)?;
        let attributes = protection.attributes();
        let mount = rustix::mount::fsmount(&self.fd, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
            .map_err(|errno| self.refused("fsmount".to_owned(), errno))?;
        let by_descriptors =
            MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
        rustix::mount::move_mount(mount.as_fd(), "", target.as_fd(), "", by_descriptors)
            .map_err(|errno| self.refused(format!("move it to {}", at.display()), errno))?;
        Ok(Attached { at: at.to_owned() })
    }

    fn refused(&self, action: String, errno: Errno) -> MountError {
        let action = match self.last_words() {
            Some(said) => format!("{action} ({said})"),
            None => action,
        };
        MountError::Refused {
            fs_type: self.fs_type,
            action,
            source: errno.into(),
        }
    }

    /// The newest line of the context's log; each read gives one, oldest first.
    fn last_words(&self) -> Option<String> {
        let mut last = None;
        let mut line = [0; 1024];
        while let Ok(length @ 1..) = rustix::io::read(&self.fd, &mut line) {
            let text = String::from_utf8_lossy(line.get(..length).unwrap_or_default());
            // "e overlay: text": the severity is no news.
            last = Some(text.trim_end().trim_start_matches("e ").to_owned());
        }
        last
    }
}

/// Opens a directory to mount on or to name in an option; a symbolic link is refused.
pub(crate) fn open_directory(path: &Path) -> Result<OwnedFd, MountError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| MountError::Directory {
        path: path.to_owned(),
        source: errno.into(),
    })
}
