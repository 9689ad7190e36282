//! The file systems that are compared, and how each is mounted.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::inputs::Lower;
use crate::shell::shell;

/// A way to have a writable directory over the same files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ground {
    /// The kernel's overlayfs on plain directories.
    Kernel,
    /// fuse-overlayfs on plain directories.
    FuseOverlayfs,
    /// `iechor mount --rw`.
    Ours,
}

impl Ground {
    /// All, the measure first.
    pub(crate) const ALL: [Self; 3] = [Self::Kernel, Self::FuseOverlayfs, Self::Ours];

    /// All, in an order that differs from round to round: none always finds the disk at rest.
    pub(crate) fn in_turn(round: usize) -> [Self; 3] {
        let mut order = Self::ALL;
        order.rotate_left(round % Self::ALL.len());
        order
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kernel => "overlayfs",
            Self::FuseOverlayfs => "fuse-overlayfs",
            Self::Ours => "iechor",
        }
    }

    /// Mounts in the directory above `dir`, where lower directories have short names: a page is
    /// all that `mount` takes of options.
    fn mount(self, lower: &Lower, dir: &Path) -> String {
        let at = dir.display();
        let options = format!(
            "lowerdir={},upperdir={at}-upper,workdir={at}-work",
            lower.names
        );
        match self {
            Self::Kernel => format!("mount -t overlay overlay -o {options} {at}"),
            Self::FuseOverlayfs => format!("fuse-overlayfs -o {options} {at}"),
            Self::Ours => format!("{} mount --rw {} {at}", iechor(&lower.state), lower.image),
        }
    }

    fn unmount(self, lower: &Lower, dir: &Path) -> String {
        match self {
            Self::Kernel | Self::FuseOverlayfs => format!("umount {}", dir.display()),
            Self::Ours => format!("{} umount {}", iechor(&lower.state), dir.display()),
        }
    }
}

/// The program with a state directory.
pub(crate) fn iechor(state: &Path) -> String {
    format!(
        "{} --root {}",
        env!("CARGO_BIN_EXE_iechor"),
        state.display()
    )
}

/// A ground that is mounted, with an empty upper. Dropped without [`Mounted::end`] it is unmounted,
/// and what fails then is not told.
pub(crate) struct Mounted<'a> {
    ground: Ground,
    lower: &'a Lower,
    dir: PathBuf,
    mounted: bool,
}

impl<'a> Mounted<'a> {
    /// Mounts at a new directory of this name. What was written stays until all is over, so that the
    /// freeing of blocks is nobody's burden.
    pub(crate) fn new(ground: Ground, lower: &'a Lower, place: &Path, name: &str) -> Result<Self> {
        let dir = place.join(name);
        for dir in with_upper(&dir) {
            fs::create_dir(dir)?;
        }
        shell(&ground.mount(lower, &dir), &lower.dir, place)?;
        Ok(Self {
            ground,
            lower,
            dir,
            mounted: true,
        })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn end(mut self) -> Result<()> {
        self.mounted = false;
        self.unmount()
    }

    fn unmount(&self) -> Result<()> {
        let script = self.ground.unmount(self.lower, &self.dir);
        shell(&script, &self.lower.dir, &self.lower.dir)
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        if self.mounted {
            let _ = self.unmount();
        }
    }
}

fn with_upper(dir: &Path) -> [PathBuf; 3] {
    ["", "-upper", "-work"].map(|end| PathBuf::from(format!("{}{end}", dir.display())))
}
