//! Memory from which a step's mounts are made.

use std::cell::Cell;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{Gid, Mode, OFlags, Uid, fchown, mkdirat, openat};
use rustix::mount::MountAttrFlags;
use rustix::path::Arg;

use super::root::Shape;
use super::tree::{CONFINED, DATA, FsOption, Tree};
use crate::{Secret, StepFault};

/// A tmpfs of the step that is nowhere visible in it. Files and directories are made here, and the
/// step is shown bind mounts of them.
#[derive(Debug)]
pub(super) struct Staging {
    root: OwnedFd,
    made: Cell<u32>,
    /// An empty file and an empty directory, to hide others with.
    empty_file: OwnedFd,
    empty_directory: OwnedFd,
}

/// Who may use a staged secret.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ownership {
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Staging {
    /// Mounts it over a directory of the host, in this process's mount namespace.
    pub(super) fn attach_at(place: &Path) -> Result<Self, StepFault> {
        let attach = || -> io::Result<Self> {
            let root = Tree::new("tmpfs", &[FsOption::Value("mode", "0700")], CONFINED)?;
            let root = root.attach_at(place)?;
            let empty_file = create_file(&root, "empty", 0o444)?.into();
            let empty_directory = create_directory(&root, "void", 0o555)?;
            Ok(Self {
                root,
                made: Cell::new(0),
                empty_file,
                empty_directory,
            })
        };
        attach().map_err(|source| StepFault::RootFs {
            path: place.into(),
            source,
        })
    }

    /// What a place of this shape is hidden with.
    pub(super) fn empty(&self, shape: Shape) -> &OwnedFd {
        match shape {
            Shape::Directory => &self.empty_directory,
            Shape::File => &self.empty_file,
        }
    }

    /// Makes a file with these contents, to be shown to the step.
    pub(super) fn file(&self, contents: &[u8], mode: u32) -> io::Result<OwnedFd> {
        let mut file = create_file(&self.root, self.next_name().as_str(), mode)?;
        file.write_all(contents)?;
        Ok(file.into())
    }

    /// Makes a writable copy of a file, owner and all.
    pub(super) fn copy(&self, source: impl AsFd) -> io::Result<OwnedFd> {
        let stat = rustix::fs::fstat(&source)?;
        let mut copy = create_file(&self.root, self.next_name().as_str(), stat.st_mode & 0o7777)?;
        io::copy(&mut reopen_for_reading(source)?, &mut copy)?;
        fchown(
            &copy,
            Some(Uid::from_raw(stat.st_uid)),
            Some(Gid::from_raw(stat.st_gid)),
        )?;
        Ok(copy.into())
    }

    /// Makes a file that is never written to a disk, as the only one of its own file system.
    pub(super) fn secret(&self, value: &Secret, owner: Ownership) -> io::Result<OwnedFd> {
        let directory = unswappable()?.attach(&self.directory(0o700)?)?;
        let mut file = create_file(&directory, "secret", owner.mode)?;
        file.write_all(value.expose())?;
        fchown(
            &file,
            Some(Uid::from_raw(owner.uid)),
            Some(Gid::from_raw(owner.gid)),
        )?;
        // A change of owner takes the special bits away.
        file.set_permissions(Permissions::from_mode(owner.mode))?;
        Ok(file.into())
    }

    /// Makes an empty directory.
    pub(super) fn directory(&self, mode: u32) -> io::Result<OwnedFd> {
        create_directory(&self.root, self.next_name().as_str(), mode)
    }

    fn next_name(&self) -> String {
        self.made.set(self.made.get() + 1);
        self.made.get().to_string()
    }
}

/// A tmpfs that may not be swapped out (Linux 6.4), or ramfs, which never is.
fn unswappable() -> io::Result<Tree> {
    let mode = FsOption::Value("mode", "0700");
    match Tree::new("tmpfs", &[FsOption::Flag("noswap"), mode], DATA) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
            Tree::new("ramfs", &[mode], DATA)
        }
        result => result,
    }
}

/// The mode is set afterwards, so that no file mode mask has a say.
pub(super) fn create_file(
    directory: impl AsFd,
    name: impl Arg + Copy,
    mode: u32,
) -> io::Result<File> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = File::from(openat(directory, name, flags, Mode::RUSR | Mode::WUSR)?);
    file.set_permissions(Permissions::from_mode(mode))?;
    Ok(file)
}

/// Makes a directory and opens it.
pub(super) fn create_directory(
    parent: impl AsFd,
    name: impl Arg + Copy,
    mode: u32,
) -> io::Result<OwnedFd> {
    mkdirat(&parent, name, Mode::RWXU)?;
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let directory = openat(&parent, name, flags, Mode::empty())?;
    rustix::fs::fchmod(&directory, Mode::from_raw_mode(mode))?;
    Ok(directory)
}

/// A view of a place in the staging area, with these attributes.
pub(super) fn show(place: impl AsFd, attributes: MountAttrFlags) -> io::Result<Tree> {
    Tree::of(place)?.restrict(attributes)
}

/// `/proc` is the host's here, until the root is entered.
fn reopen_for_reading(place: impl AsFd) -> io::Result<File> {
    use std::os::fd::AsRawFd;
    File::open(format!("/proc/self/fd/{}", place.as_fd().as_raw_fd()))
}
