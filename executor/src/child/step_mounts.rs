//! The mounts that a step asks for.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;
use rustix::process::fchdir;

use super::root::{Place, Root, openat2_place};
use super::staging::{Ownership, Staging, create_directory, create_file, show};
use super::tree::{CONFINED, FROZEN, FsOption, Tree};
use crate::{Access, MountSource, StepFault, StepMount};

/// Covering one of these would undo the profile.
const FORBIDDEN: [&str; 2] = ["/proc", "/sys"];

/// Makes a step's mounts in order.
pub(super) fn mount_all(
    root: &Root,
    staging: &Staging,
    mounts: &[StepMount],
) -> Result<(), StepFault> {
    let mut targets = Targets {
        root,
        writable: vec![PathBuf::from("/dev")],
    };
    for mount in mounts {
        let source = Prepared::new(&mount.source, staging, &mount.target)?;
        let place = targets.open(&mount.target, source.is_directory)?;
        source.attach(&place).map_err(|error| fault(mount, error))?;
        targets.note(mount);
    }
    Ok(())
}

fn fault(mount: &StepMount, source: io::Error) -> StepFault {
    StepFault::Mount {
        what: describe(&mount.source),
        target: mount.target.clone(),
        source,
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

/// Where mounts may go.
struct Targets<'a> {
    root: &'a Root,
    /// Mounts in which a missing target is made.
    writable: Vec<PathBuf>,
}

impl Targets<'_> {
    /// Opens a target, and makes it first if it lies inside an earlier writable mount.
    fn open(&self, target: &Path, is_directory: bool) -> Result<Place, StepFault> {
        let fault = |source| StepFault::Target {
            target: target.into(),
            source,
        };
        refuse_forbidden(target)?;
        if let Some(place) = self.root.find(target).map_err(fault)? {
            return Ok(place);
        }
        if !self.writable.iter().any(|mount| target.starts_with(mount)) {
            return Err(StepFault::MissingTarget {
                target: target.into(),
            });
        }
        self.make(target, is_directory)
            .and_then(Place::of)
            .map_err(fault)
    }

    /// Walks down from the root, and makes what is missing. Only the writable mount lacks anything:
    /// a target that lies in it is at least as deep.
    fn make(&self, target: &Path, is_directory: bool) -> io::Result<OwnedFd> {
        let names: Vec<&Path> = target.components().filter_map(normal).collect();
        let (last, parents) = names.split_last().ok_or(Errno::INVAL)?;
        let mut directory = openat2_place(self.root, Path::new("."))?;
        for name in parents {
            directory = open_or_make_directory(&directory, name)?;
        }
        if is_directory {
            return open_or_make_directory(&directory, last);
        }
        create_file(&directory, utf8(last)?, 0o644).map(OwnedFd::from)
    }

    /// Remembers a mount that can take targets of later ones.
    fn note(&mut self, mount: &StepMount) {
        match mount.source {
            MountSource::Tmpfs { .. }
            | MountSource::Bind {
                access: Access::ReadWrite | Access::Discard,
                ..
            } => {
                self.writable.push(mount.target.clone());
            }
            _ => {}
        }
    }
}

fn refuse_forbidden(target: &Path) -> Result<(), StepFault> {
    let is_root = !target
        .components()
        .any(|component| normal(component).is_some());
    let forbidden = is_root
        || target == Path::new("/dev")
        || target
            .components()
            .any(|component| component == Component::ParentDir)
        || FORBIDDEN.iter().any(|path| target.starts_with(path));
    if forbidden {
        Err(StepFault::ForbiddenTarget {
            target: target.into(),
        })
    } else {
        Ok(())
    }
}

fn normal(component: Component<'_>) -> Option<&Path> {
    match component {
        Component::Normal(name) => Some(Path::new(name)),
        _ => None,
    }
}

fn open_or_make_directory(parent: &OwnedFd, name: &Path) -> io::Result<OwnedFd> {
    match openat2_place(parent, name) {
        Err(Errno::NOENT) => create_directory(parent, utf8(name)?, 0o755),
        result => Ok(result?),
    }
}

fn utf8(name: &Path) -> Result<&str, Errno> {
    name.to_str().ok_or(Errno::ILSEQ)
}

/// A mount that is ready to be attached.
struct Prepared {
    tree: Tree,
    is_directory: bool,
}

impl Prepared {
    fn new(source: &MountSource, staging: &Staging, target: &Path) -> Result<Self, StepFault> {
        let made = match source {
            MountSource::Bind { source, access } => {
                return bind(source, *access, staging).map_err(|error| StepFault::MountSource {
                    path: source.clone(),
                    source: error,
                });
            }
            MountSource::Tmpfs { size, mode } => tmpfs(*size, *mode),
            MountSource::File { contents, mode } => staging
                .file(contents, *mode)
                .and_then(|file| frozen_file(&file)),
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
                staging
                    .secret(value, owner)
                    .and_then(|file| Self::file(show(&file, FROZEN)?))
            }
        };
        let what = describe(source);
        made.map_err(|error| StepFault::Mount {
            what,
            target: target.into(),
            source: error,
        })
    }

    fn file(tree: Tree) -> io::Result<Self> {
        Ok(Self {
            tree,
            is_directory: false,
        })
    }

    /// Directories go on directories, and everything else on everything else.
    fn attach(self, place: &Place) -> io::Result<()> {
        match (self.is_directory, place.is_directory()) {
            (true, false) => Err(Errno::NOTDIR.into()),
            (false, true) => Err(Errno::ISDIR.into()),
            _ => self.tree.attach(&place.fd).map(drop),
        }
    }
}

/// Scripts must be executable, so unlike a secret it is not `noexec`.
fn frozen_file(file: &OwnedFd) -> io::Result<Prepared> {
    Prepared::file(show(file, CONFINED | MountAttrFlags::MOUNT_ATTR_RDONLY)?)
}

fn tmpfs(size: Option<u64>, mode: u32) -> io::Result<Prepared> {
    let (mode, size) = (format!("{mode:o}"), size.map(|size| size.to_string()));
    let size = size.iter().map(|size| FsOption::Value("size", size));
    let options: Vec<_> = size.chain([FsOption::Value("mode", &mode)]).collect();
    Ok(Prepared {
        tree: Tree::new("tmpfs", &options, CONFINED)?,
        is_directory: true,
    })
}

fn bind(path: &Path, access: Access, staging: &Staging) -> io::Result<Prepared> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let source = Place::of(rustix::fs::openat(CWD, path, flags, Mode::empty())?)?;
    if source.kind == rustix::fs::FileType::Symlink {
        return Err(Errno::LOOP.into());
    }
    let is_directory = source.is_directory();
    let tree = match access {
        Access::ReadOnly => show(&source.fd, CONFINED | MountAttrFlags::MOUNT_ATTR_RDONLY)?,
        Access::ReadWrite => show(&source.fd, CONFINED)?,
        Access::Discard if is_directory => discard(&source.fd, staging)?,
        Access::Discard => show(&staging.copy(&source.fd)?, CONFINED)?,
    };
    Ok(Prepared { tree, is_directory })
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
    let stat = rustix::fs::fstat(source)?;
    let (uid, gid) = (
        rustix::fs::Uid::from_raw(stat.st_uid),
        rustix::fs::Gid::from_raw(stat.st_gid),
    );
    rustix::fs::fchown(upper, Some(uid), Some(gid))?;
    Ok(rustix::fs::fchmod(
        upper,
        Mode::from_raw_mode(stat.st_mode & 0o7777),
    )?)
}
