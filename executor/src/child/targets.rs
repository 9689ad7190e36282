//! Where a step's mounts go.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::io::Errno;

use super::root::{Place, Root, Shape, openat2_place};
use super::staging::{create_directory, create_file};
use crate::{Access, MountSource, StepFault, StepMount};

/// Covering one of these would undo the profile.
const FORBIDDEN: [&str; 2] = ["/proc", "/sys"];

/// Where mounts may go.
pub(super) struct Targets<'a> {
    root: &'a Root,
    /// Mounts in which a missing target is made.
    writable: Vec<PathBuf>,
}

impl<'a> Targets<'a> {
    /// Before the first mount, only `/dev` is the step's own.
    pub(super) fn new(root: &'a Root) -> Self {
        Self {
            root,
            writable: vec![PathBuf::from("/dev")],
        }
    }

    /// Opens a target, and makes it first if it lies inside an earlier writable mount.
    pub(super) fn open(&self, target: &Path, shape: Shape) -> Result<Place, StepFault> {
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
        self.make(target, shape).and_then(Place::of).map_err(fault)
    }

    /// Walks down from the root, and makes what is missing. Only the writable mount lacks anything:
    /// a target that lies in it is at least as deep.
    fn make(&self, target: &Path, shape: Shape) -> io::Result<OwnedFd> {
        let names: Vec<&Path> = target.components().filter_map(normal).collect();
        let (last, parents) = names.split_last().ok_or(Errno::INVAL)?;
        let mut directory = openat2_place(self.root, Path::new("."))?;
        for name in parents {
            directory = open_or_make_directory(&directory, name)?;
        }
        match shape {
            Shape::Directory => open_or_make_directory(&directory, last),
            Shape::File => create_file(&directory, *last, 0o644).map(OwnedFd::from),
        }
    }

    /// Remembers a mount that can take targets of later ones.
    pub(super) fn note(&mut self, mount: &StepMount) {
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
    let climbs = target
        .components()
        .any(|component| component == Component::ParentDir);
    let is_root = !target
        .components()
        .any(|component| normal(component).is_some());
    let undoes = FORBIDDEN.iter().any(|path| target.starts_with(path));
    if climbs || is_root || undoes || target == Path::new("/dev") {
        return Err(StepFault::ForbiddenTarget {
            target: target.into(),
        });
    }
    Ok(())
}

fn normal(component: Component<'_>) -> Option<&Path> {
    match component {
        Component::Normal(name) => Some(Path::new(name)),
        _ => None,
    }
}

fn open_or_make_directory(parent: &OwnedFd, name: &Path) -> io::Result<OwnedFd> {
    match openat2_place(parent, name) {
        Err(Errno::NOENT) => create_directory(parent, name, 0o755),
        result => Ok(result?),
    }
}
