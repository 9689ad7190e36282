//! A mount that is not attached anywhere yet.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::CWD;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create,
    fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};

use crate::sys;

/// What every mount of a step has.
pub(super) const CONFINED: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);

/// A confined mount from which nothing may be executed.
pub(super) const DATA: MountAttrFlags = CONFINED.union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

/// Data that may not be changed either.
pub(super) const FROZEN: MountAttrFlags = DATA.union(MountAttrFlags::MOUNT_ATTR_RDONLY);

/// A mount that is not attached anywhere yet, held by a descriptor: no path can be swapped between
/// making it and attaching it. Dropped unattached, it is gone.
#[derive(Debug)]
pub(super) struct Tree(OwnedFd);

/// An option of a new file system.
#[derive(Debug, Clone, Copy)]
pub(super) enum FsOption<'a> {
    Flag(&'a str),
    Value(&'a str, &'a str),
}

impl Tree {
    /// A new instance of a file system.
    pub(super) fn new(
        kind: &str,
        options: &[FsOption<'_>],
        attributes: MountAttrFlags,
    ) -> io::Result<Self> {
        let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
        for option in options {
            match *option {
                FsOption::Flag(key) => fsconfig_set_flag(&context, key)?,
                FsOption::Value(key, value) => fsconfig_set_string(&context, key, value)?,
            }
        }
        fsconfig_create(&context)?;
        Ok(Self(fsmount(
            &context,
            FsMountFlags::FSMOUNT_CLOEXEC,
            attributes,
        )?))
    }

    /// A second view (a bind mount) of a file or directory, without the mounts below it.
    pub(super) fn of(place: impl AsFd) -> io::Result<Self> {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_EMPTY_PATH;
        Ok(Self(open_tree(place, "", flags)?))
    }

    /// Adds attributes.
    pub(super) fn restrict(self, attributes: MountAttrFlags) -> io::Result<Self> {
        sys::change_attributes(&self.0, attributes, MountAttrFlags::empty())?;
        Ok(self)
    }

    /// Adds attributes, and takes others away that the mount it is a view of has.
    pub(super) fn replace(self, set: MountAttrFlags, clear: MountAttrFlags) -> io::Result<Self> {
        sys::change_attributes(&self.0, set, clear)?;
        Ok(self)
    }

    /// Attaches it on an open file or directory, and keeps a descriptor of its root.
    pub(super) fn attach(self, target: impl AsFd) -> io::Result<OwnedFd> {
        let flags =
            MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
        move_mount(&self.0, "", target, "", flags)?;
        Ok(self.0)
    }

    /// Attaches it on a path of the host, over what is mounted there.
    pub(super) fn attach_at(self, path: &std::path::Path) -> io::Result<OwnedFd> {
        move_mount(
            &self.0,
            "",
            CWD,
            path,
            MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
        )?;
        Ok(self.0)
    }
}

impl AsFd for Tree {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
