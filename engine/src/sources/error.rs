//! Why an image could not be had.

use iechor_cachedb::{CacheError, lease::LockError};
use iechor_image::config::ConfigError;
use iechor_image::content::ContentError;
use iechor_image::export::ExportError;
use iechor_image::layer::UnpackError;
use iechor_image::reference::ReferenceError;
use iechor_image::source::{LocationError, SourceError};
use iechor_snapshotter::{DiffId, Digest, StoreError};

use crate::layers::LayersError;
use crate::path_error::PathError;

/// Why an image could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourcesError {
    /// It is neither a reference nor a location.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// It begins as a location and is none.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// The registry, layout or archive did not give it.
    #[error("cannot get image {name}")]
    Source {
        /// The image.
        name: String,
        /// What went wrong.
        source: Box<SourceError>,
    },
    /// A layer could not be fetched.
    #[error("cannot fetch layer {layer} of {name}")]
    Fetch {
        /// The image.
        name: String,
        /// Digest of the layer as stored.
        layer: Digest,
        /// What went wrong.
        source: Box<ContentError>,
    },
    /// A layer could not be unpacked.
    #[error("cannot unpack layer {layer} of {name}")]
    Unpack {
        /// The image.
        name: String,
        /// Diff ID of the layer.
        layer: DiffId,
        /// What went wrong.
        source: Box<UnpackError>,
    },
    /// The image's documents could not be kept.
    #[error("cannot keep the documents of {name}")]
    Documents {
        /// The image.
        name: String,
        /// What went wrong.
        source: Box<ExportError>,
    },
    /// The configuration of an image in the local list is damaged.
    #[error(
        "the configuration of {name} in the local image list is damaged; pull or build it again"
    )]
    Config {
        /// The image.
        name: String,
        /// What is wrong with it.
        source: ConfigError,
    },
    /// The layers' digests could not be had.
    #[error(transparent)]
    Layers(#[from] LayersError),
    /// The content store could not be used.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The store of snapshots could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database could not be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A lease could not be taken.
    #[error(transparent)]
    Lease(#[from] LockError),
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] PathError),
}
