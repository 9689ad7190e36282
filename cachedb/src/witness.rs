//! Change times of the files behind a record, for the warning of C6: a hit by size and
//! modification time stands, but a file whose change time moved may have other bytes.

use rusqlite::{OptionalExtension, Row, params};

use crate::canonical::{Decoder, Encoder, NotCanonical};
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
        if (self.root_dev, self.root_ino) != (now.root_dev, now.root_ino) {
            return Vec::new();
        }
        let mut current = now.ctimes.iter().peekable();
        let mut moved = Vec::new();
        for (path, ctime) in &self.ctimes {
            while current.next_if(|(other, _)| other < path).is_some() {}
            if current
                .peek()
                .is_some_and(|(other, now)| other == path && now != ctime)
            {
                moved.push(path.as_slice());
            }
        }
        moved
    }

    fn encode(&self) -> Vec<u8> {
        let mut to = Encoder::with_capacity(self.ctimes.len() * 64);
        to.len(self.ctimes.len());
        for (path, ctime) in &self.ctimes {
            to.string(path);
            to.i64(ctime.secs);
            to.u32(ctime.nanos);
        }
        to.finish()
    }
}

impl CacheDb {
    /// The witness of a record, if one was put.
    ///
    /// # Errors
    ///
    /// Those of SQLite, [`CacheError::Damaged`].
    pub fn witness(&self, record: RecordId) -> Result<Option<Witness>, CacheError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT root_dev, root_ino, ctimes FROM witnesses WHERE record = ?1",
                )?
                .query_row([record.0], read)
                .optional()
        })
    }

    /// Puts or replaces the witness of a record; none is kept of a record that is gone. A power cut
    /// may lose it.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn put_witness(&self, record: RecordId, witness: &Witness) -> Result<(), CacheError> {
        self.write_lazily(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO witnesses (record, root_dev, root_ino, ctimes) \
                     SELECT id, ?2, ?3, ?4 FROM records WHERE id = ?1",
                )?
                .execute(params![
                    record.0,
                    witness.root_dev.cast_signed(),
                    witness.root_ino.cast_signed(),
                    witness.encode(),
                ])
                .map(drop)
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Witness> {
    Ok(Witness {
        root_dev: row.get::<_, i64>(0)?.cast_unsigned(),
        root_ino: row.get::<_, i64>(1)?.cast_unsigned(),
        ctimes: decode(row.get_ref(2)?.as_blob()?)?,
    })
}

fn decode(bytes: &[u8]) -> Result<Vec<(Vec<u8>, FileTime)>, NotCanonical> {
    let mut from = Decoder::new(bytes);
    let count = from.len()?;
    let mut ctimes = Vec::with_capacity(from.capacity(count, 20));
    for _ in 0..count {
        let path = from.string()?.to_vec();
        ctimes.push((
            path,
            FileTime {
                secs: from.i64()?,
                nanos: from.u32()?,
            },
        ));
    }
    from.end()?;
    Ok(ctimes)
}
