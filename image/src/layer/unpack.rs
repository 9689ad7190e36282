//! Unpacks a layer into a writer.

use std::io::Read;

use iechor_snapshotter::{BlobStore, DiffId, LayerWriter};

use crate::descriptor::Descriptor;
use crate::layer::limits::Limits;
use crate::progress::Progress;

/// What was unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpacked {
    /// Digest of the uncompressed archive.
    pub diff_id: DiffId,
    /// Bytes of the uncompressed archive.
    pub size: u64,
}

/// Why a layer was not unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {}

/// Unpacks a layer (OCI image-spec layer.md) into `writer`, contents into `blobs`.
///
/// The stream must have the digest and size of `layer`, and be of its media type; the archive in
/// it must have the diff ID. Progress counts compressed bytes. No link is followed, neither on
/// the host nor in the tree. On an error the writer has part of the layer: drop it.
pub fn unpack(
    reader: impl Read,
    layer: &Descriptor,
    diff_id: DiffId,
    writer: &mut LayerWriter,
    blobs: &BlobStore,
    limits: &Limits,
    progress: Progress<'_>,
) -> Result<Unpacked, UnpackError> {
    todo!()
}
