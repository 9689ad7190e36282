//! What a step's mounts show.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Gid, Mode, OFlags, Uid, fchmod, fchown, fstat, openat};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;
use rustix::process::fchdir;

use super::root::{Place, Shape};
use super::staging::{Ownership, Staging, create_directory, show};
use super::tree::{CONFINED, FROZEN, FsOption, Tree};
use crate::{Access, MountSource, StepFault, StepMount};

/// A mount that is ready to be attached.
#[derive(Debug)]
pub(super) struct Prepared {
    tree: Tree,
    shape: Shape,
    /// For errors: what is mounted, and where.
    what: String,
    target: PathBuf,
}

impl Prepared {
    /// Makes what a step asks for.
    pub(super) fn new(mount: &StepMount, staging: &Staging) -> Result<Self, StepFault> {
        let (what, target) = (describe(&mount.source), mount.target.clone());
        match make(&mount.source, staging) {
            Ok((tree, shape)) => Ok(Self {
                tree,
                shape,
                what,
                target,
            }),
            Err(source) => Err(fault(&mount.source, target, source)),
        }
    }

    /// Whether it is a directory.
    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    /// Attaches it: directories go on directories, and everything else on everything else.
    pub(super) fn attach(self, place: &Place) -> Result<(), StepFault> {
        let attached = match (self.shape, place.shape) {
            (Shape::Directory, Shape::File) => Err(Errno::NOTDIR.into()),
            (Shape::File, Shape::Directory) => Err(Errno::ISDIR.into()),
            _ => self.tree.attach(&place.fd).map(drop),
        };
        let (what, target) = (self.what, self.target);
        attached.map_err(|source| StepFault::Mount {
            what,
            target,
            source,
        })
    }
}

fn make(source: &MountSource, staging: &Staging) -> io::Result<(Tree, Shape)> {
    match source {
        MountSource::Bind { source, access } => bind(source, *access, staging),
        MountSource::Tmpfs { size, mode } => Ok((tmpfs(*size, *mode)?, Shape::Directory)),
        MountSource::File { contents, mode } => {
            Ok((frozen_file(&staging.file(contents, *mode)?)?, Shape::File))
        }
        MountSource::Secret {
            value,
            mode,
            uid,
            gid,
        } => {
            let owner = Ownership {
                mode: *mode,
                uid: *uid,
                gid: *gid,
            };
            Ok((show(staging.secret(value, owner)?, FROZEN)?, Shape::File))
        }
    }
}

fn describe(source: &MountSource) -> String {
    match source {
        MountSource::Bind { source, .. } => source.display().to_string(),
        MountSource::Tmpfs { .. } => "tmpfs".into(),
        MountSource::File { .. } => "a file".into(),
        MountSource::Secret { .. } => "a secret".into(),
    }
}

fn fault(wanted: &MountSource, target: PathBuf, source: io::Error) -> StepFault {
    match wanted {
        MountSource::Bind { source: path, .. } => StepFault::MountSource {
            path: path.clone(),
            source,
        },
        other => StepFault::Mount {
            what: describe(other),
            target,
            source,
        },
    }
}

/// Scripts must be executable, so unlike a secret it is not `noexec`.
fn frozen_file(file: &OwnedFd) -> io::Result<Tree> {
    show(file, CONFINED | MountAttrFlags::MOUNT_ATTR_RDONLY)
}

fn tmpfs(size: Option<u64>, mode: u32) -> io::Result<Tree> {
    let (mode, size) = (format!("{mode:o}"), size.map(|size| size.to_string()));
    let size = size.iter().map(|size| FsOption::Value("size", size));
    let options: Vec<_> = size.chain([FsOption::Value("mode", &mode)]).collect();
    Tree::new("tmpfs", &options, CONFINED)
}

fn bind(path: &Path, access: Access, staging: &Staging) -> io::Result<(Tree, Shape)> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let source = Place::of(openat(CWD, path, flags, Mode::empty())?)?;
    let tree = match (access, source.shape) {
        (Access::ReadOnly, _) => show(&source.fd, CONFINED | MountAttrFlags::MOUNT_ATTR_RDONLY)?,
        (Access::ReadWrite, _) => show(&source.fd, CONFINED)?,
        (Access::Discard, Shape::Directory) => discard(&source.fd, staging)?,
        (Access::Discard, Shape::File) => show(staging.copy(&source.fd)?, CONFINED)?,
    };
    Ok((tree, source.shape))
}

/// An overlay whose upper directory goes with the step. Its layers are named relative to a staging
/// directory: a path of the host could hold characters that the option's syntax gives a meaning.
fn discard(source: &OwnedFd, staging: &Staging) -> io::Result<Tree> {
    let place = staging.directory(0o700)?;
    let lower = create_directory(&place, "lower", 0o755)?;
    let upper = create_directory(&place, "upper", 0o755)?;
    create_directory(&place, "work", 0o700)?;
    like(source, &upper)?;
    show(source, CONFINED | MountAttrFlags::MOUNT_ATTR_RDONLY)?.attach(&lower)?;
    fchdir(&place)?;
    let layer = |name, value| FsOption::Value(name, value);
    let layers = [
        layer("lowerdir", "lower"),
        layer("upperdir", "upper"),
        layer("workdir", "work"),
    ];
    let overlay = Tree::new("overlay", &layers, CONFINED);
    rustix::process::chdir("/")?;
    overlay
}

/// The upper directory is the one whose owner and mode are seen.
fn like(source: &OwnedFd, upper: &OwnedFd) -> io::Result<()> {
    let stat = fstat(source)?;
    fchown(
        upper,
        Some(Uid::from_raw(stat.st_uid)),
        Some(Gid::from_raw(stat.st_gid)),
    )?;
    Ok(fchmod(upper, Mode::from_raw_mode(stat.st_mode & 0o7777))?)
}
