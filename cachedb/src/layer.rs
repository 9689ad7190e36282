//! Digests of the layers that snapshots become, so that no export has to compute them twice.

use iechor_snapshotter::{DiffId, Digest, SnapshotId};

use crate::db::CacheDb;
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
        let _ = snapshot;
        todo!()
    }

    /// The snapshots that became this layer.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn snapshots_of_layer(&self, diff_id: &DiffId) -> Result<Vec<SnapshotId>, CacheError> {
        let _ = diff_id;
        todo!()
    }

    /// Remembers the layer that a snapshot becomes.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn put_layer(&self, snapshot: &SnapshotId, layer: LayerDigests) -> Result<(), CacheError> {
        let _ = (snapshot, layer);
        todo!()
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
        let _ = (diff_id, media_type);
        todo!()
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
        let _ = (diff_id, media_type, layer);
        todo!()
    }
}
