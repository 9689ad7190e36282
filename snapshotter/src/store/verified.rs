//! Which large indexes were read through and found whole in this boot, so that not every process
//! does it again: a comparison of images of a million files would spend all its time on that.
//!
//! `<root>/verified` has a line for each: the boot, the snapshot, and what `stat` says of the file.
//! Whoever writes to the file changes its change time, which nobody can set, and the line holds no
//! more; so does a reboot, before which the file may not have reached the disk. A line that is
//! lost or torn costs a verification.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::id::SnapshotId;

/// Bytes from which on an index is remembered; smaller ones are verified in a moment.
const LARGE: u64 = 1 << 20;
/// Bytes that the list may have; beyond that it begins anew.
const LONGEST: u64 = 1 << 20;

/// The list, read when it is first asked for.
#[derive(Debug)]
pub(super) struct VerifiedList {
    path: PathBuf,
    known: OnceLock<HashSet<String>>,
}

impl VerifiedList {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            known: OnceLock::new(),
        }
    }

    /// Whether the file of a snapshot's index was verified, and not touched since.
    pub(super) fn has(&self, id: SnapshotId, file: &File) -> bool {
        let known = || self.read().unwrap_or_default();
        line(id, file).is_some_and(|line| self.known.get_or_init(known).contains(&line))
    }

    /// Remembers that it is whole. What cannot be written is verified again another time.
    pub(super) fn note(&self, id: SnapshotId, file: &File) {
        if let Some(line) = line(id, file) {
            let _unwritten = self.append(&line);
        }
    }

    fn read(&self) -> std::io::Result<HashSet<String>> {
        let mut text = String::new();
        File::open(&self.path)?
            .take(LONGEST)
            .read_to_string(&mut text)?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// One write, so that lines of several processes do not mix.
    fn append(&self, line: &str) -> std::io::Result<()> {
        let mut list = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)?;
        if list.metadata()?.len() > LONGEST / 2 {
            list.set_len(0)?;
        }
        list.write_all(format!("{line}\n").as_bytes())
    }
}

/// What is written of a file; none for what is small, or cannot be told apart from what it was.
fn line(id: SnapshotId, file: &File) -> Option<String> {
    let stat = file.metadata().ok().filter(|stat| stat.len() >= LARGE)?;
    let boot = boot()?;
    Some(format!(
        "{boot} {} {} {} {} {}.{:09} {}.{:09}",
        id.digest().hex(),
        stat.dev(),
        stat.ino(),
        stat.len(),
        stat.mtime(),
        stat.mtime_nsec(),
        stat.ctime(),
        stat.ctime_nsec(),
    ))
}

fn boot() -> Option<&'static str> {
    static BOOT: OnceLock<Option<String>> = OnceLock::new();
    let read = || std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    let boot = BOOT.get_or_init(read).as_deref();
    boot.map(str::trim).filter(|boot| !boot.is_empty())
}
