//! Why files could not be copied.

use std::io;
use std::path::{Path, PathBuf};

use iechor_frontend::pattern::PatternError;
use iechor_snapshotter::StoreError;
use iechor_snapshotter::tree::TreeError;

/// Why files could not be copied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// A system call on a host path failed.
    #[error("{action} {path}")]
    Io {
        /// What was being done: "cannot open".
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The source leads to nothing, or to nothing that is not ignored.
    #[error("no {source_path:?} in {tree}")]
    NotFound {
        /// The source as written.
        source_path: String,
        /// Where it was looked for.
        tree: String,
    },
    /// The source's `..` leaves the tree.
    #[error("{source_path:?} is outside of {tree}")]
    Outside {
        /// The source as written.
        source_path: String,
        /// The tree.
        tree: String,
    },
    /// Links lead to links for too long.
    #[error("too many symbolic links on the way to {path}")]
    TooManyLinks {
        /// Where.
        path: PathBuf,
    },
    /// A wildcard is malformed.
    #[error("bad pattern {pattern:?}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        source: PatternError,
    },
    /// Several files, and a destination that does not say that it is a directory.
    #[error(
        "several files are copied, so the destination must be a directory: {destination:?} must end with /"
    )]
    NotADirectory {
        /// The destination as written.
        destination: String,
    },
    /// A directory would replace a file, or a file a directory.
    #[error("cannot copy {what} onto {onto}, which is {is}")]
    KindConflict {
        /// `directory src`.
        what: String,
        /// Path in the snapshot.
        onto: PathBuf,
        /// What is there: `a file`, `a symbolic link`, `a directory`.
        is: &'static str,
    },
    /// A file is something else than it was a moment ago.
    #[error("{path} changed while it was read; build again")]
    Changed {
        /// Its path in the tree.
        path: PathBuf,
    },
    /// A snapshot could not be read.
    #[error("cannot read {tree}")]
    Tree {
        /// Which one.
        tree: String,
        /// Why.
        source: TreeError,
    },
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CopyError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
