//! Writes layers and whole trees as tar archives; equal trees give equal bytes.

use std::io::Write;

use iechor_snapshotter::{BlobStore, Chain, DiffId};

/// Why an archive could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {}

/// Writes the topmost layer of a chain as an uncompressed OCI layer; gives its size in bytes.
pub fn write_layer_tar(
    chain: &Chain,
    blobs: &BlobStore,
    out: &mut dyn Write,
) -> Result<u64, WriteError> {
    todo!()
}

/// Writes the merged tree of a chain as one tar archive, as `-o type=tar` does; gives its size.
pub fn write_rootfs_tar(
    chain: &Chain,
    blobs: &BlobStore,
    out: &mut dyn Write,
) -> Result<u64, WriteError> {
    todo!()
}

/// Diff ID and uncompressed size of a chain's topmost layer, without keeping the archive.
pub fn diff_id_of(chain: &Chain, blobs: &BlobStore) -> Result<(DiffId, u64), WriteError> {
    todo!()
}
