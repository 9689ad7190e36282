//! I/O errors that say what was done to which path.

use std::io;
use std::path::{Path, PathBuf};

/// A system call on a path failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}")]
pub struct PathError {
    /// What was tried: a verb.
    pub action: &'static str,
    /// On which path.
    pub path: PathBuf,
    /// What the kernel said.
    pub source: io::Error,
}

/// Says of a failure what was being done, and to which path.
pub(crate) trait AtPath<T> {
    /// Names the action, a verb, and the path.
    fn at(self, action: &'static str, path: &Path) -> Result<T, PathError>;
}

impl<T, E: Into<io::Error>> AtPath<T> for Result<T, E> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, PathError> {
        self.map_err(|source| PathError {
            action,
            path: path.to_owned(),
            source: source.into(),
        })
    }
}
