//! What can go wrong with the store.

use std::io;
use std::path::{Path, PathBuf};

use crate::id::{Digest, SnapshotId};
use crate::index::IndexError;
use crate::layer::EntryError;
use crate::upper::UpperError;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A system call on a path failed.
    #[error("{action} {path}")]
    Io {
        /// What was being done: "cannot open".
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A directory of the store belongs to somebody else, who could change what is in it.
    #[error("{path} belongs to user {owner}, not to user {user}: choose another state directory")]
    Owner {
        /// The directory.
        path: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Who runs this process.
        user: u32,
    },
    /// A directory of the store is open to other users.
    #[error("{path} has mode {mode:04o} and is open to other users: chmod it to 0700")]
    Mode {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The store was written by another version of this program.
    #[error(
        "{path} says {found:?}, but only {expected:?} is supported: use the version that wrote it, or another state directory"
    )]
    Format {
        /// The file that names the format.
        path: PathBuf,
        /// What it says.
        found: String,
        /// What it should say.
        expected: &'static str,
    },
    /// There is no layer for this snapshot.
    #[error("snapshot {0} is not in the store")]
    NoSnapshot(SnapshotId),
    /// A layer names contents that are not there.
    #[error("blob {0} is not in the store")]
    NoBlob(Digest),
    /// A layer index cannot be used.
    #[error("layer index {path} is damaged")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: IndexError,
    },
    /// A blob is not what its name says.
    #[error("blob {path} is damaged: its contents have digest {found}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Digest of what is in it.
        found: Digest,
    },
    /// A layer is too large for its index.
    #[error("cannot write the layer index")]
    Encode(#[source] IndexError),
    /// An entry cannot be put into a layer.
    #[error("{path}")]
    Entry {
        /// Path of the entry in the layer.
        path: PathBuf,
        /// What is wrong with it.
        source: EntryError,
    },
    /// A step left something that cannot be committed.
    #[error("cannot commit {path}")]
    Upper {
        /// Path in the step's root.
        path: PathBuf,
        /// What is wrong with it.
        source: UpperError,
    },
}

impl StoreError {
    /// Whether the reason is that the file system is mounted read-only.
    pub(crate) fn is_read_only(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::ReadOnlyFilesystem)
    }
}

/// Makes a [`StoreError::Io`] of what a system call on `path` gave; for `map_err`.
pub(crate) fn cannot<E: Into<io::Error>>(
    action: &'static str,
    path: impl AsRef<Path>,
) -> impl FnOnce(E) -> StoreError {
    move |source| StoreError::Io {
        action,
        path: path.as_ref().to_owned(),
        source: source.into(),
    }
}
