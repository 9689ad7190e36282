//! Where the benchmark lies: a new ext4 with a journal, so that neither the host's file system nor what
//! was removed from it before has a say.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::shell::shell;

/// A sparse file of this size holds it.
const SIZE: &str = "40G";

const MAKE: &str = "truncate -s $SIZE disk; mkfs.ext4 -q -E lazy_itable_init=0,nodiscard disk; mkdir at
    device=$(losetup --find --show --direct-io=on disk); mount $device at; losetup --detach $device";

/// A directory to work in; gone with everything in it when dropped.
pub(crate) enum Disk {
    /// On a file system of its own.
    Own(TempDir),
    /// Where the user said.
    Given(TempDir),
}

impl Disk {
    /// Makes a file system below `/var/tmp`, unless `IECHOR_BENCH_DIR` names a directory to use as it is.
    pub(crate) fn make() -> Result<Self> {
        let in_dir = |dir: &Path| {
            tempfile::Builder::new()
                .prefix("iechor-bench-fs-")
                .tempdir_in(dir)
        };
        if let Some(given) = std::env::var_os("IECHOR_BENCH_DIR") {
            return Ok(Self::Given(in_dir(Path::new(&given))?));
        }
        let dir = in_dir(Path::new("/var/tmp"))?;
        shell(&format!("SIZE={SIZE}\n{MAKE}"), dir.path(), dir.path()).context(
            "cannot make a file system to measure on; IECHOR_BENCH_DIR=DIR measures in a directory as it is",
        )?;
        Ok(Self::Own(dir))
    }

    pub(crate) fn path(&self) -> PathBuf {
        match self {
            Self::Own(dir) => dir.path().join("at"),
            Self::Given(dir) => dir.path().to_owned(),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Self::Own(dir) = self {
            // What is still mounted inside is the benchmark's own, and told of by what failed.
            let _ = shell("umount at || umount --lazy at", dir.path(), dir.path());
        }
    }
}
