//! Why two trees could not be compared.

use std::path::PathBuf;

use iechor_snapshotter::tree::TreeError;

use crate::files::FilesError;
use crate::path_error::PathError;

/// Why two trees could not be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiffError {
    /// A REF stands for nothing, or for too much.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// `dir:` was given something else.
    #[error("{0} is not a directory")]
    NotADirectory(PathBuf),
    /// A file of the host could not be read.
    #[error(transparent)]
    Host(#[from] PathError),
    /// A tree could not be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
}
