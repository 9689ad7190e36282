//! Where the mounts of a step go, and which of those places the chain does not have.
//!
//! What is missing is shown by the FUSE server as virtual entries, so that it is never part of
//! the diff. A target inside an earlier mount is made there by the executor.

use std::path::{Path, PathBuf};

use iechor_executor::{MountSource, StepMount};
use iechor_snapshotter::chainfs::{VirtualEntry, VirtualKind};
use iechor_snapshotter::tree::Tree;
use iechor_snapshotter::{BlobStore, Chain};

use crate::error::StepError;

/// Directories that every step needs as mount points.
const KERNEL_DIRECTORIES: [&str; 3] = ["/dev", "/proc", "/sys"];

/// The mount points of one step.
#[derive(Debug)]
pub(super) struct Targets {
    tree: Tree,
    entries: Vec<VirtualEntry>,
}

impl Targets {
    pub(super) fn new(below: &Chain, blobs: &BlobStore) -> Self {
        let entries = KERNEL_DIRECTORIES.map(|path| entry(Path::new(path), VirtualKind::Directory));
        Self {
            tree: Tree::new(below, blobs),
            entries: entries.to_vec(),
        }
    }

    /// Resolves every target, links followed inside the rootfs, and notes what must be shown.
    pub(super) fn place(&mut self, mounts: &mut [StepMount]) -> Result<(), StepError> {
        let mut earlier: Vec<PathBuf> = Vec::new();
        for mount in mounts {
            mount.target = self.real(&mount.target)?;
            if !earlier
                .iter()
                .any(|target| mount.target.starts_with(target) && mount.target != *target)
            {
                self.entries.push(entry(&mount.target, kind(&mount.source)));
            }
            earlier.push(mount.target.clone());
        }
        Ok(())
    }

    fn real(&self, target: &Path) -> Result<PathBuf, StepError> {
        let real = self
            .tree
            .real_path(target)
            .map_err(|source| StepError::MountTarget {
                target: target.to_owned(),
                source,
            })?;
        Ok(Path::new("/").join(real))
    }

    /// What the step's view shows besides the chain.
    pub(super) fn virtual_entries(&self) -> Vec<VirtualEntry> {
        self.entries.clone()
    }
}

fn entry(path: &Path, kind: VirtualKind) -> VirtualEntry {
    VirtualEntry {
        path: path.to_owned(),
        kind,
    }
}

/// A file is mounted on a file, a directory on a directory.
fn kind(source: &MountSource) -> VirtualKind {
    match source {
        MountSource::Tmpfs { .. } => VirtualKind::Directory,
        MountSource::File { .. } | MountSource::Secret { .. } => VirtualKind::File,
        MountSource::Bind { source, .. } if source.is_dir() => VirtualKind::Directory,
        MountSource::Bind { .. } => VirtualKind::File,
    }
}
