//! Why an archive was not unpacked.

use std::io;

use iechor_snapshotter::{DiffId, Digest, StoreError};

/// Why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// The stream broke off with an error, or could not be decompressed.
    #[error("cannot read the archive")]
    Read(#[source] io::Error),
    /// The stream ended inside an entry.
    #[error("archive is truncated at byte {offset}")]
    Truncated {
        /// Bytes that were read, decompressed.
        offset: u64,
    },
    /// A header's checksum is wrong: damage, or not a tar archive.
    #[error("archive has no valid tar header at byte {offset}")]
    Header {
        /// Where the header begins, decompressed.
        offset: u64,
    },
    /// The archive has ended, and yet goes on.
    #[error("archive has data after its end at byte {offset}")]
    TrailingData {
        /// Where the archive ends, decompressed.
        offset: u64,
    },
    /// An entry that no honest archive has, or that cannot be kept.
    #[error("archive entry {path:?} {refusal}")]
    Entry {
        /// Name of the entry as far as it is known.
        path: String,
        /// What is wrong with it.
        refusal: Refusal,
    },
    /// The archive is larger in some way than is allowed.
    #[error("archive is over the limit {name} ({limit})")]
    Limit {
        /// Field of [`Limits`](crate::layer::Limits).
        name: &'static str,
        /// Its value.
        limit: u64,
    },
    /// The media type is not that of a layer.
    #[error("layer has media type {0:?}, which cannot be unpacked")]
    MediaType(String),
    /// The file is no archive of a known kind.
    #[error("file is not a tar archive, plain or compressed with gzip, bzip2, xz or zstd")]
    NotAnArchive,
    /// The compressed bytes are others than the manifest names.
    #[error("layer has digest {actual}, not {expected}")]
    DigestMismatch {
        /// Digest of what was read.
        actual: Digest,
        /// Digest in the manifest.
        expected: Digest,
    },
    /// There are more or fewer compressed bytes than the manifest names.
    #[error("layer {digest} is {actual} bytes long, not {expected}")]
    SizeMismatch {
        /// Digest in the manifest.
        digest: Digest,
        /// Bytes read (at most one more than named).
        actual: u64,
        /// Bytes named.
        expected: u64,
    },
    /// The archive is another than the configuration names.
    #[error("layer has diff ID {actual}, not {expected}")]
    DiffIdMismatch {
        /// Digest of the archive.
        actual: DiffId,
        /// Diff ID in the configuration.
        expected: DiffId,
    },
    /// Contents could not be written to the store.
    #[error("cannot store the contents of {path:?}")]
    Contents {
        /// Name of the entry.
        path: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A limit that a reader has found to be broken, on its way through [`io::Error`].
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("archive is over the limit {name} ({limit})")]
pub(crate) struct OverLimit {
    pub(crate) name: &'static str,
    pub(crate) limit: u64,
}

impl UnpackError {
    /// What an error of the input means, `offset` bytes into the archive.
    pub(super) fn from_read(error: io::Error, offset: u64) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::Truncated { offset };
        }
        match error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<OverLimit>())
        {
            Some(OverLimit { name, limit }) => Self::Limit {
                name,
                limit: *limit,
            },
            None => Self::Read(error),
        }
    }
}

/// What is wrong with an entry of an archive; reads on after the entry's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It leads upwards.
    #[error("has a \"..\" component")]
    ParentComponent,
    /// Its name, link target or attribute has a NUL byte.
    #[error("has a NUL byte in its {0}")]
    Nul(&'static str),
    /// It would replace the root directory.
    #[error("is the root, but not a directory")]
    Root,
    /// A name of a plain file ends in a slash; readers differ about what it is.
    #[error("is a file whose name ends in a slash")]
    FileWithSlash,
    /// Its parent is something else than a directory.
    #[error("lies below {parent:?}, which is not a directory")]
    Parent {
        /// The parent.
        parent: String,
    },
    /// Its hard link leads nowhere, or to a directory.
    #[error("is a hard link to {target:?}, {reason}")]
    HardLink {
        /// The target as written.
        target: String,
        /// "which does not exist".
        reason: &'static str,
    },
    /// A whiteout without a proper name.
    #[error("is a whiteout of no possible name")]
    Whiteout,
    /// Something lies below a whiteout.
    #[error("lies below a whiteout")]
    BelowWhiteout,
    /// The device 0:0 is how overlayfs marks removed files; no image may bring one.
    #[error("is the character device 0:0, overlayfs' mark of a removed file")]
    OverlayWhiteout,
    /// A kind of entry that is not known.
    #[error("has the unknown type {0:?}")]
    Type(char),
    /// A link, device or directory that has contents; readers differ about them.
    #[error("has contents, which its type cannot have")]
    UnexpectedContents,
    /// A number in the header cannot be read.
    #[error("has an invalid {0}")]
    Field(&'static str),
    /// An extended header cannot be read.
    #[error("has an invalid extended header: {0}")]
    Pax(&'static str),
    /// A value is given twice with different results; readers differ about which counts.
    #[error("is ambiguous: {0}")]
    Ambiguous(&'static str),
    /// The map of a sparse file contradicts itself or the contents.
    #[error("has an invalid map of its holes")]
    SparseMap,
    /// A user or group number beyond those that the kernel knows.
    #[error("has a user or group number that does not exist")]
    Id,
}

impl Refusal {
    /// The error for an entry.
    pub(crate) fn of(self, path: &[u8]) -> UnpackError {
        UnpackError::Entry {
            path: String::from_utf8_lossy(path).into_owned(),
            refusal: self,
        }
    }
}
