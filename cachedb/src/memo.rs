//! The stat memo: contents' digests by what `statx` says, so that unchanged files are not read
//! again under `--context-digest=content` (C6).

use iechor_snapshotter::Digest;

use crate::db::CacheDb;
use crate::error::CacheError;
use crate::time::FileTime;

/// What identifies a file's content on this host.
///
/// The caller leaves out files whose change time is younger than the clock's grain: such a file
/// may change again under the same stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatStamp {
    /// Device.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// Bytes.
    pub size: u64,
    /// Modification time.
    pub mtime: FileTime,
    /// Change time.
    pub ctime: FileTime,
}

/// A remembered content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatMemo {
    /// The file's stamp when it was read.
    pub stamp: StatStamp,
    /// What was read.
    pub content: Digest,
}

impl CacheDb {
    /// The contents of these files as far as they are remembered, in the order asked.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn stat_memos(&self, stamps: &[StatStamp]) -> Result<Vec<Option<Digest>>, CacheError> {
        let _ = stamps;
        todo!()
    }

    /// Remembers contents; what was known of the same inodes is replaced.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn put_stat_memos(&self, memos: &[StatMemo]) -> Result<(), CacheError> {
        let _ = memos;
        todo!()
    }
}
