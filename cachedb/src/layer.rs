//! Digests of the layers that snapshots become, so that no export has to compute them twice.

use iechor_snapshotter::{DiffId, Digest, SnapshotId};
use rusqlite::{OptionalExtension, Row, params};

use crate::db::{CacheDb, column};
use crate::error::CacheError;

/// A snapshot's layer, uncompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerDigests {
    /// Digest of the tar archive.
    pub diff_id: DiffId,
    /// Bytes of the tar archive.
    pub tar_size: u64,
}

/// A layer as it is written to registries and archives (OCI image-spec descriptor.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompressedLayer {
    /// Digest of the compressed archive.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
}

impl CacheDb {
    /// The layer that this snapshot becomes, if it was computed before.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn layer(&self, snapshot: &SnapshotId) -> Result<Option<LayerDigests>, CacheError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT diff_id, tar_size FROM layers WHERE snapshot = ?1")?
                .query_row([snapshot.digest().as_bytes()], read_layer)
                .optional()
        })
    }

    /// The snapshots that became this layer.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn snapshots_of_layer(&self, diff_id: &DiffId) -> Result<Vec<SnapshotId>, CacheError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT snapshot FROM layers WHERE diff_id = ?1 ORDER BY snapshot")?
                .query_map([diff_id.digest().as_bytes()], |row| {
                    column::digest(row, 0).map(SnapshotId::new)
                })?
                .collect()
        })
    }

    /// Remembers the layer that a snapshot becomes.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn put_layer(&self, snapshot: &SnapshotId, layer: LayerDigests) -> Result<(), CacheError> {
        self.write(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO layers (snapshot, diff_id, tar_size) \
                     VALUES (?1, ?2, ?3)",
                )?
                .execute(params![
                    snapshot.digest().as_bytes(),
                    layer.diff_id.digest().as_bytes(),
                    column::signed(layer.tar_size),
                ])
                .map(drop)
        })
    }

    /// The layer's digest and size under this media type (with level: `…tar+gzip;level=1`).
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn compressed_layer(
        &self,
        diff_id: &DiffId,
        media_type: &str,
    ) -> Result<Option<CompressedLayer>, CacheError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT digest, size FROM compressed_layers \
                     WHERE diff_id = ?1 AND media_type = ?2",
                )?
                .query_row(
                    params![diff_id.digest().as_bytes(), media_type],
                    read_compressed,
                )
                .optional()
        })
    }

    /// Every stored form of every snapshot's layer: snapshot, media type, digest.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn stored_layers(&self) -> Result<Vec<(SnapshotId, String, Digest)>, CacheError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT l.snapshot, c.media_type, c.digest \
                     FROM compressed_layers AS c JOIN layers AS l ON l.diff_id = c.diff_id",
                )?
                .query_map([], |row| {
                    let snapshot = SnapshotId::new(column::digest(row, 0)?);
                    Ok((snapshot, row.get(1)?, column::digest(row, 2)?))
                })?
                .collect()
        })
    }

    /// Remembers the layer's digest and size under this media type.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn put_compressed_layer(
        &self,
        diff_id: &DiffId,
        media_type: &str,
        layer: CompressedLayer,
    ) -> Result<(), CacheError> {
        self.write(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO compressed_layers (diff_id, media_type, digest, size) \
                     VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![
                    diff_id.digest().as_bytes(),
                    media_type,
                    layer.digest.as_bytes(),
                    column::signed(layer.size),
                ])
                .map(drop)
        })
    }
}

fn read_layer(row: &Row<'_>) -> rusqlite::Result<LayerDigests> {
    Ok(LayerDigests {
        diff_id: DiffId::new(column::digest(row, 0)?),
        tar_size: column::unsigned(row, 1)?,
    })
}

fn read_compressed(row: &Row<'_>) -> rusqlite::Result<CompressedLayer> {
    Ok(CompressedLayer {
        digest: column::digest(row, 0)?,
        size: column::unsigned(row, 1)?,
    })
}
