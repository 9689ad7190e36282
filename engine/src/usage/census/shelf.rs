//! The 256 directories of a shelf (`ab/<64 hex digits>`), and which of them have changed.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use iechor_snapshotter::{Digest, DigestSet};
use zerocopy::little_endian::I64;

use super::Trust;
use crate::path_error::{AtPath, PathError};

/// Directories of a shelf.
pub(super) const SHARDS: usize = 256;

/// A directory that was changed less than this ago may change again within the same tick of the
/// file system's clock, and its time be the same after that.
const SETTLES_AFTER: Duration = Duration::from_secs(2);

/// A directory as it was listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shard {
    /// There was none.
    Absent,
    /// Its modification time, in nanoseconds since the epoch.
    AsOf(i64),
    /// It was changed too short a time before: nothing can be told from its time.
    Unsettled,
}

/// The directories of a shelf as they were listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shelf(Vec<Shard>);

/// As a shelf is kept: nanoseconds since the epoch.
pub(super) type Times = [I64; SHARDS];

/// The shelf now, compared with the last time.
pub(super) struct Listed {
    pub(super) shelf: Shelf,
    /// Whether each directory had to be listed.
    changed: Vec<bool>,
    /// All names in the directories that were listed.
    pub(super) names: DigestSet<Digest>,
}

impl Default for Shelf {
    fn default() -> Self {
        Self(vec![Shard::Absent; SHARDS])
    }
}

impl Shelf {
    /// As [`Shelf::times`] wrote it.
    pub(super) fn of(times: &Times) -> Self {
        Self(
            times
                .iter()
                .map(|time| Shard::of_time(time.get()))
                .collect(),
        )
    }

    /// The times of its directories, to be kept.
    pub(super) fn times(&self) -> Times {
        let mut times = [I64::ZERO; SHARDS];
        for (time, shard) in times.iter_mut().zip(&self.0) {
            *time = shard.time().into();
        }
        times
    }

    /// Lists the directories that are not as they were.
    pub(super) fn look(
        &self,
        dir: &Path,
        trust: Trust,
        now: SystemTime,
    ) -> Result<Listed, PathError> {
        let mut listed = Listed {
            shelf: Self::default(),
            changed: vec![false; SHARDS],
            names: DigestSet::default(),
        };
        for (number, before) in self.0.iter().enumerate() {
            let path = dir.join(format!("{number:02x}"));
            // The time first: what comes between it and the listing is looked at once more.
            let shard = Shard::of(&path, now)?;
            let is_known = *before == shard && shard != Shard::Unsettled;
            if !is_known || trust == Trust::Nothing {
                list(&path, &mut listed.names)?;
                listed.changed[number] = true;
            }
            listed.shelf.0[number] = shard;
        }
        Ok(listed)
    }
}

impl Shard {
    /// No directory is of the time 0, and none of before the epoch.
    fn time(self) -> i64 {
        match self {
            Self::Absent => 0,
            Self::Unsettled => -1,
            Self::AsOf(time) => time,
        }
    }

    fn of_time(time: i64) -> Self {
        match time {
            0 => Self::Absent,
            1.. => Self::AsOf(time),
            _ => Self::Unsettled,
        }
    }

    fn of(path: &Path, now: SystemTime) -> Result<Self, PathError> {
        let metadata = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::Absent),
            metadata => metadata.at("stat", path)?,
        };
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let settled = since.saturating_sub(SETTLES_AFTER).as_secs();
        if metadata.mtime() >= settled.cast_signed() {
            return Ok(Self::Unsettled);
        }
        let nanos = metadata.mtime().saturating_mul(1_000_000_000);
        Ok(Self::AsOf(nanos.saturating_add(metadata.mtime_nsec())))
    }
}

impl Listed {
    /// Whether nothing had to be listed.
    pub(super) fn is_as_before(&self) -> bool {
        !self.changed.contains(&true)
    }

    /// Whether what was on the shelf the last time still is.
    pub(super) fn has(&self, digest: &Digest) -> bool {
        let shard = usize::from(digest.as_bytes()[0]);
        !self.changed[shard] || self.names.contains(digest)
    }
}

fn list(dir: &Path, names: &mut DigestSet<Digest>) -> Result<(), PathError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.at("list", dir)?,
    };
    for entry in entries {
        let name = entry.at("list", dir)?.file_name();
        // Files that are not complete have other names.
        names.extend(name.to_str().and_then(|name| Digest::from_hex(name).ok()));
    }
    Ok(())
}
