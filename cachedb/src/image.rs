//! The local image list: names, and what they stand for.

use iechor_snapshotter::{Digest, SnapshotId};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::db::{CacheDb, column};
use crate::error::CacheError;
use crate::record::RecordId;
use crate::record::prefix::DigestRange;
use crate::time::UnixMillis;

/// An image that was built or pulled here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Image id: digest of the config.
    pub id: Digest,
    /// Its names, normalised (`docker.io/library/app:latest`), sorted.
    pub names: Vec<String>,
    /// The config, byte for byte as its digest was taken.
    pub config: String,
    /// The manifest it came with or was last written with.
    pub manifest: Option<String>,
    /// The last record of the stage that made it, while that record is there.
    pub record: Option<RecordId>,
    /// The layers as snapshots, base first.
    pub chain: Vec<SnapshotId>,
    /// `linux/amd64`.
    pub platform: String,
    /// When it came here.
    pub created: UnixMillis,
    /// Bytes of its uncompressed layers.
    pub size: u64,
}

/// An image to be listed.
#[derive(Clone, Debug)]
pub struct NewImage {
    /// The config, byte for byte; its digest is the image id.
    pub config: String,
    /// The manifest, if it is known already.
    pub manifest: Option<String>,
    /// The last record of the stage that made it.
    pub record: Option<RecordId>,
    /// The layers as snapshots, base first.
    pub chain: Vec<SnapshotId>,
    /// `linux/amd64`.
    pub platform: String,
    /// Now.
    pub created: UnixMillis,
    /// Bytes of its uncompressed layers.
    pub size: u64,
}

impl CacheDb {
    /// Lists an image and gives it these names, which leave the images that had them.
    ///
    /// Durable when it returns: the records below must be ([`CacheDb::mark_durable`]). An image
    /// that is there already keeps its other names.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn put_image(&self, image: &NewImage, names: &[String]) -> Result<Digest, CacheError> {
        let id = Digest::of(image.config.as_bytes());
        self.write(|transaction| {
            upsert(transaction, &id, image)?;
            replace_chain(transaction, &id, &image.chain)?;
            names
                .iter()
                .try_for_each(|name| set_name(transaction, &id, name))
        })?;
        Ok(id)
    }

    /// Gives an image one more name.
    ///
    /// # Errors
    ///
    /// [`CacheError::NotFound`] when there is no such image.
    pub fn tag(&self, id: &Digest, name: &str) -> Result<(), CacheError> {
        let tagged = self.write(|transaction| {
            let there = is_there(transaction, id)?;
            if there {
                set_name(transaction, id, name)?;
            }
            Ok(there)
        })?;
        if tagged {
            Ok(())
        } else {
            Err(CacheError::not_found("image", id))
        }
    }

    /// Takes a name away; the image stays, nameless if that was its last. `false`: no such name.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn untag(&self, name: &str) -> Result<bool, CacheError> {
        self.write(|transaction| {
            let gone = transaction.execute("DELETE FROM image_names WHERE name = ?1", [name])?;
            Ok(gone > 0)
        })
    }

    /// Takes an image off the list with all its names. `false`: no such image.
    ///
    /// Its snapshots stay until a prune finds them unused.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn remove_image(&self, id: &Digest) -> Result<bool, CacheError> {
        self.write(|transaction| {
            let gone = transaction.execute("DELETE FROM images WHERE id = ?1", [id.as_bytes()])?;
            Ok(gone > 0)
        })
    }

    /// The image of this name.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn image_by_name(&self, name: &str) -> Result<Option<Image>, CacheError> {
        self.read(|connection| {
            let id = connection
                .prepare_cached("SELECT image FROM image_names WHERE name = ?1")?
                .query_row([name], |row| column::digest(row, 0))
                .optional()?;
            id.map_or(Ok(None), |id| read_image(connection, &id))
        })
    }

    /// The image whose id begins with these hexadecimal digits; `sha256:` in front is allowed.
    ///
    /// # Errors
    ///
    /// [`CacheError::NotFound`] and [`CacheError::Ambiguous`].
    pub fn image_by_prefix(&self, prefix: &str) -> Result<Image, CacheError> {
        let nothing = || CacheError::not_found("image", prefix);
        let range = DigestRange::of_prefix(prefix).ok_or_else(nothing)?;
        let ids = self.read(|connection| ids_in(connection, &range))?;
        match ids.as_slice() {
            [] => Err(nothing()),
            [id] => self
                .read(|connection| read_image(connection, id))?
                .ok_or_else(nothing),
            several => Err(CacheError::ambiguous(prefix, several)),
        }
    }

    /// All images, newest first.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn images(&self) -> Result<Vec<Image>, CacheError> {
        self.read(|connection| {
            let ids: Vec<Digest> = connection
                .prepare_cached("SELECT id FROM images ORDER BY created DESC, id")?
                .query_map([], |row| column::digest(row, 0))?
                .collect::<Result<_, _>>()?;
            ids.iter()
                .filter_map(|id| read_image(connection, id).transpose())
                .collect()
        })
    }
}

fn upsert(transaction: &Transaction<'_>, id: &Digest, image: &NewImage) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO images (id, config, manifest, record, platform, created, size) \
             VALUES (?1, ?2, ?3, (SELECT id FROM records WHERE id = ?4), ?5, ?6, ?7) \
             ON CONFLICT (id) DO UPDATE SET manifest = coalesce(excluded.manifest, manifest), \
             record = coalesce(excluded.record, record), created = excluded.created, \
             size = excluded.size",
        )?
        .execute(params![
            id.as_bytes(),
            image.config,
            image.manifest,
            image.record.map(|record| record.0),
            image.platform,
            image.created.0,
            column::signed(image.size),
        ])
        .map(drop)
}

fn replace_chain(
    transaction: &Transaction<'_>,
    id: &Digest,
    chain: &[SnapshotId],
) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM image_layers WHERE image = ?1", [id.as_bytes()])?;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO image_layers (image, ordinal, snapshot) VALUES (?1, ?2, ?3)",
    )?;
    for (ordinal, snapshot) in chain.iter().enumerate() {
        let ordinal = column::signed(ordinal as u64);
        insert.execute(params![
            id.as_bytes(),
            ordinal,
            snapshot.digest().as_bytes()
        ])?;
    }
    Ok(())
}

fn set_name(transaction: &Transaction<'_>, id: &Digest, name: &str) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO image_names (name, image) VALUES (?1, ?2)")?
        .execute(params![name, id.as_bytes()])
        .map(drop)
}

fn is_there(connection: &Connection, id: &Digest) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM images WHERE id = ?1")?
        .exists([id.as_bytes()])
}

fn ids_in(connection: &Connection, range: &DigestRange) -> rusqlite::Result<Vec<Digest>> {
    connection
        .prepare_cached("SELECT id FROM images WHERE id BETWEEN ?1 AND ?2 ORDER BY id")?
        .query_map(params![range.first, range.last], |row| {
            column::digest(row, 0)
        })?
        .collect()
}

fn read_image(connection: &Connection, id: &Digest) -> rusqlite::Result<Option<Image>> {
    let image = connection
        .prepare_cached(
            "SELECT id, config, manifest, record, platform, created, size FROM images WHERE id = ?1",
        )?
        .query_row([id.as_bytes()], read_row)
        .optional()?;
    let Some(image) = image else { return Ok(None) };
    Ok(Some(Image {
        names: names(connection, id)?,
        chain: chain(connection, id)?,
        ..image
    }))
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<Image> {
    Ok(Image {
        id: column::digest(row, 0)?,
        names: Vec::new(),
        config: row.get(1)?,
        manifest: row.get(2)?,
        record: row.get::<_, Option<i64>>(3)?.map(RecordId),
        chain: Vec::new(),
        platform: row.get(4)?,
        created: UnixMillis(row.get(5)?),
        size: column::unsigned(row, 6)?,
    })
}

fn names(connection: &Connection, id: &Digest) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached("SELECT name FROM image_names WHERE image = ?1 ORDER BY name")?
        .query_map([id.as_bytes()], |row| row.get(0))?
        .collect()
}

fn chain(connection: &Connection, id: &Digest) -> rusqlite::Result<Vec<SnapshotId>> {
    connection
        .prepare_cached("SELECT snapshot FROM image_layers WHERE image = ?1 ORDER BY ordinal")?
        .query_map([id.as_bytes()], |row| {
            column::digest(row, 0).map(SnapshotId::new)
        })?
        .collect()
}
