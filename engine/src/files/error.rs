//! Why files of a REF could not be read or copied.

use std::path::PathBuf;

use iechor_cachedb::LockError;
use iechor_image::layer::WriteError;
use iechor_snapshotter::tree::TreeError;

use crate::reference::ReferenceError;

/// Why files of a REF could not be read or copied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// The REF stands for nothing, or for too much.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// A path is needed and there is none.
    #[error("{0:?} names no file: write REF:PATH")]
    NoPath(String),
    /// Nothing is at the path.
    #[error("no {path} in {title}")]
    NotFound {
        /// The path, absolute.
        path: PathBuf,
        /// Where it was looked for.
        title: String,
    },
    /// A directory has no contents to print.
    #[error("{0} is a directory: list it with ls, or take it out with cp")]
    Directory(PathBuf),
    /// A device, pipe or socket has no contents to print.
    #[error("{0} is not a regular file")]
    NotRegular(PathBuf),
    /// The tree could not be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The copy could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The snapshot could not be kept from a prune.
    #[error(transparent)]
    Lease(#[from] LockError),
}
