//! The state directory: whether it can be written, on what it lies, and how much is left there.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Finding;

/// Below this a build of any size ends with a full disk.
const LITTLE: u64 = 100 << 20;
/// Below this one may.
const SCARCE: u64 = 2 << 30;
/// 2025-01-01: no clock that is right shows less.
const PAST: Duration = Duration::from_secs(1_735_689_600);
/// How far ahead of the clock a file's time may be.
const GRAIN: Duration = Duration::from_secs(60);

/// File systems by the magic number of `statfs(2)`, as far as they matter.
const KINDS: [(u32, &str, Suitability); 8] = [
    (0xEF53, "ext4", Suitability::Good),
    (0x5846_5342, "xfs", Suitability::Good),
    (0x9123_683E, "btrfs", Suitability::Good),
    (0x0102_1994, "tmpfs", Suitability::Forgets),
    (0x794C_7630, "overlay", Suitability::NoUpper),
    (0x6969, "nfs", Suitability::NoUpper),
    (0x6573_5546, "fuse", Suitability::NoUpper),
    (0x4D44, "vfat", Suitability::NoUpper),
];

/// What a file system does for the state directory.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Suitability {
    Good,
    /// It is gone at the next boot.
    Forgets,
    /// The kernel's overlay cannot write there.
    NoUpper,
}

/// The directory itself, or the nearest one above it that exists.
pub(super) fn nearest(root: &Path) -> PathBuf {
    let existing = root.ancestors().find(|path| path.is_dir());
    existing.unwrap_or(Path::new("/")).to_owned()
}

pub(super) fn writable(root: &Path) -> Finding {
    const FIX: &str = "name another directory with --root or IECHOR_ROOT, or run as its owner";
    let dir = nearest(root);
    match tempfile::tempfile_in(&dir) {
        Ok(_) => Finding::ok("state directory", root.display().to_string()),
        Err(error) => {
            let why = format!("cannot write in {}: {error}", dir.display());
            Finding::missing("state directory", why, FIX)
        }
    }
}

pub(super) fn space(root: &Path) -> Finding {
    const FIX: &str = "iechor prune, or another directory with --root";
    let dir = nearest(root);
    let stat = match rustix::fs::statvfs(&dir) {
        Ok(stat) => stat,
        Err(error) => return Finding::degraded("disk", error.to_string(), FIX),
    };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let why = format!("{} MiB free at {}", free >> 20, dir.display());
    if free < LITTLE {
        Finding::missing("disk", why, FIX)
    } else if free < SCARCE {
        Finding::degraded("disk", why, FIX)
    } else {
        Finding::ok("disk", why)
    }
}

pub(super) fn file_system(root: &Path) -> Finding {
    const FIX: &str = "put the state directory on ext4, xfs or btrfs with --root or IECHOR_ROOT";
    let kind = match rustix::fs::statfs(nearest(root)) {
        Ok(stat) => u32::try_from(stat.f_type).unwrap_or_default(),
        Err(error) => return Finding::degraded("file system", error.to_string(), FIX),
    };
    let known = KINDS.iter().find(|(magic, ..)| *magic == kind);
    match known {
        Some((_, name, Suitability::Good)) => Finding::ok("file system", *name),
        Some((_, name, Suitability::Forgets)) => {
            let why = format!("{name}: the cache is gone at the next boot");
            Finding::degraded("file system", why, FIX)
        }
        Some((_, name, Suitability::NoUpper)) => {
            let why = format!("{name}: the kernel's overlay may not be able to write there");
            Finding::degraded("file system", why, FIX)
        }
        None => Finding::ok("file system", format!("of type {kind:#x}")),
    }
}

/// Ages and the order of records come from the clock.
pub(super) fn clock(root: &Path) -> Finding {
    const FIX: &str = "set the clock; a time server keeps it right";
    let now = SystemTime::now();
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    if since < PAST {
        return Finding::degraded("clock", "it shows a time that is long past", FIX);
    }
    let index = fs::metadata(root.join("cache.db")).and_then(|metadata| metadata.modified());
    match index {
        Ok(written) if written > now + GRAIN => {
            Finding::degraded("clock", "the index was written later than now", FIX)
        }
        _ => Finding::ok("clock", "plausible"),
    }
}
