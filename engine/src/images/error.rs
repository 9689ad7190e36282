//! Why the local image list could not be read or changed.

use iechor_cachedb::CacheError;
use iechor_image::config::ConfigError;
use iechor_image::reference::ReferenceError;
use iechor_snapshotter::{Digest, StoreError};

/// Why the list could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImagesError {
    /// No image has such a name or id.
    #[error("no image {0:?} in the local list; see `iechor images`")]
    NotFound(String),
    /// An id prefix fits several images.
    #[error("image id {prefix:?} is ambiguous: {}", .candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        prefix: String,
        /// The ids that it fits.
        candidates: Vec<String>,
    },
    /// The name is not a reference.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The name for an image has a digest.
    #[error("image name {0:?} has a digest: a new name can have a tag only")]
    NameWithDigest(String),
    /// The image has several names and was named by its id.
    #[error("image {id} has several names: {}; remove them one by one, or all with -f", .names.join(", "))]
    SeveralNames {
        /// The image.
        id: String,
        /// Its names.
        names: Vec<String>,
    },
    /// The configuration of an image is damaged.
    #[error("the configuration of image {id} is damaged; pull or build it again")]
    Config {
        /// The image.
        id: Digest,
        /// What is wrong with it.
        source: ConfigError,
    },
    /// The snapshots of an image cannot be opened.
    #[error("the layers of image {id} are not complete; pull or build it again")]
    Chain {
        /// The image.
        id: Digest,
        /// What is wrong.
        source: StoreError,
    },
    /// The database could not be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
}
