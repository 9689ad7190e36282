//! Change times of the files behind a record, for the warning of C6: a hit by size and
//! modification time stands, but a file whose change time moved may have other bytes.

use crate::db::CacheDb;
use crate::error::CacheError;
use crate::record::RecordId;
use crate::time::FileTime;

/// What the files were like when a record was made. Never part of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Device of the context's root.
    pub root_dev: u64,
    /// Inode number of the context's root: in another copy of the context change times say nothing.
    pub root_ino: u64,
    /// Change time of each regular file, by its path in the context, in path order.
    pub ctimes: Vec<(Vec<u8>, FileTime)>,
}

impl Witness {
    /// The files of `self` whose change time is another in `now`; none when the roots differ.
    pub fn moved<'a>(&'a self, now: &Self) -> Vec<&'a [u8]> {
        let _ = now;
        todo!()
    }
}

impl CacheDb {
    /// The witness of a record, if one was put.
    ///
    /// # Errors
    ///
    /// Those of SQLite, [`CacheError::Damaged`].
    pub fn witness(&self, record: RecordId) -> Result<Option<Witness>, CacheError> {
        let _ = record;
        todo!()
    }

    /// Puts or replaces the witness of a record.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn put_witness(&self, record: RecordId, witness: &Witness) -> Result<(), CacheError> {
        let _ = (record, witness);
        todo!()
    }
}
