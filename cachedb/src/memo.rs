//! The stat memo: contents' digests by what `statx` says, so that unchanged files are not read
//! again under `--context-digest=content` (C6).

use iechor_snapshotter::Digest;
use rusqlite::{OptionalExtension, Statement, params};

use crate::db::{CacheDb, column};
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
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT content FROM stat_memos \
                 WHERE dev = ?1 AND ino = ?2 AND size = ?3 AND mtime = ?4 AND ctime = ?5",
            )?;
            stamps
                .iter()
                .map(|stamp| recall(&mut query, stamp))
                .collect()
        })
    }

    /// Remembers contents; what was known of the same inodes is replaced. A power cut may lose it.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn put_stat_memos(&self, memos: &[StatMemo]) -> Result<(), CacheError> {
        self.write_lazily(|transaction| {
            let mut insert = transaction.prepare_cached(
                "INSERT OR REPLACE INTO stat_memos (dev, ino, size, mtime, ctime, content) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            memos
                .iter()
                .try_for_each(|memo| remember(&mut insert, memo))
        })
    }
}

fn recall(query: &mut Statement<'_>, stamp: &StatStamp) -> rusqlite::Result<Option<Digest>> {
    query
        .query_row(
            params![
                stamp.dev.cast_signed(),
                stamp.ino.cast_signed(),
                column::signed(stamp.size),
                stamp.mtime.as_nanos(),
                stamp.ctime.as_nanos(),
            ],
            |row| column::digest(row, 0),
        )
        .optional()
}

fn remember(insert: &mut Statement<'_>, memo: &StatMemo) -> rusqlite::Result<()> {
    insert
        .execute(params![
            memo.stamp.dev.cast_signed(),
            memo.stamp.ino.cast_signed(),
            column::signed(memo.stamp.size),
            memo.stamp.mtime.as_nanos(),
            memo.stamp.ctime.as_nanos(),
            memo.content.as_bytes(),
        ])
        .map(drop)
}
