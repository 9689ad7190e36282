//! Writes a tree into a directory of the host: `-o type=local`.

use std::path::Path;

use iechor_snapshotter::{BlobStore, Chain};

use crate::layer::write::WriteError;

/// Puts the merged tree of a chain into the directory `target`, made if missing; what is there
/// already stays unless the tree has the same name.
pub fn write_local(chain: &Chain, blobs: &BlobStore, target: &Path) -> Result<(), WriteError> {
    todo!()
}
