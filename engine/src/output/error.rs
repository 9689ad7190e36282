//! Why an image could not be finished or pushed.

use iechor_cachedb::CacheError;
use iechor_image::config::ConfigError;
use iechor_image::export::ExportError;
use iechor_image::layer::WriteError;
use iechor_image::reference::ReferenceError;
use iechor_image::registry::RegistryError;
use iechor_snapshotter::StoreError;

use crate::images::ImagesError;
use crate::layers::LayersError;
use crate::path_error::PathError;

/// Why an image could not be finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// A name is not a reference.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// A name cannot be given to an image built here.
    #[error("image name {0:?} has a digest: a name for a new image can have a tag only")]
    NameWithDigest(String),
    /// The image to be pushed is not here.
    #[error(transparent)]
    Images(#[from] ImagesError),
    /// A layer could not be computed or compressed.
    #[error(transparent)]
    Layers(#[from] LayersError),
    /// The configuration could not be written.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The image could not be put together or written.
    #[error("cannot write the image{}", at(.dest))]
    Export {
        /// Where to; none for what lies in the state directory.
        dest: Option<String>,
        /// What went wrong.
        source: Box<ExportError>,
    },
    /// The root file system could not be written.
    #[error("cannot write the root file system{}", at(&Some(.dest.clone())))]
    Rootfs {
        /// Where to.
        dest: String,
        /// What went wrong.
        source: Box<WriteError>,
    },
    /// A directory cannot be written to standard output.
    #[error("-o type=local needs a directory: dest=DIR")]
    LocalToStdout,
    /// The registry did not take it.
    #[error("cannot push {name}")]
    Push {
        /// As what.
        name: String,
        /// What went wrong.
        source: Box<RegistryError>,
    },
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] PathError),
    /// The store of snapshots could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database could not be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

fn at(dest: &Option<String>) -> String {
    dest.as_ref()
        .map(|dest| format!(" to {dest}"))
        .unwrap_or_default()
}
