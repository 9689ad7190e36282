//! Where images come from: registries, OCI layouts, archives.

use std::io::Read;
use std::path::PathBuf;

use crate::config::{ConfigError, ImageConfig};
use crate::manifest::DocumentError;
use crate::platform::Platform;
use crate::registry::RegistryError;

pub(crate) mod choice;
mod docker_archive;
mod layout;
mod location;
pub(crate) mod resolve;
mod tar_file;

pub use crate::descriptor::Descriptor;
pub use location::{LocationError, LocationKind, SourceLocation};

/// An image found at its source: everything but the layers' bytes.
#[derive(Debug, Clone)]
pub struct ResolvedImage {
    /// The manifest for the platform asked for. Its digest is what enters the cache key (C18).
    pub manifest: Descriptor,
    /// The manifest as received.
    pub manifest_bytes: Vec<u8>,
    /// The configuration as received.
    pub config_bytes: Vec<u8>,
    /// Descriptor of the configuration.
    pub config_descriptor: Descriptor,
    /// The configuration parsed.
    pub config: ImageConfig,
    /// The layers, base first; as many as `config.rootfs.diff_ids`.
    pub layers: Vec<Descriptor>,
}

/// A place that has one image (in one or several platforms).
pub trait ImageSource: Send + Sync + std::fmt::Debug {
    /// Finds the manifest for a platform and fetches it with the configuration, both verified.
    fn resolve(&self, platform: &Platform) -> Result<ResolvedImage, SourceError>;

    /// Opens the bytes of a layer as stored (compressed). Not verified: the reader of the stream
    /// does it, as [`ContentStore::fetch_layer`](crate::ContentStore::fetch_layer) does.
    fn open(&self, layer: &Descriptor) -> Result<Box<dyn Read + Send>, SourceError>;
}

/// Why an image could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The registry did not give it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A file of a layout or archive could not be read.
    #[error("{action} {path}")]
    Io {
        /// What was being done: "cannot read".
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// The layout or archive has no such image.
    #[error("{location} has no image {wanted:?}: it has {present}")]
    NoSuchImage {
        /// The layout or archive.
        location: String,
        /// Tag or digest asked for.
        wanted: String,
        /// The names that it has.
        present: String,
    },
    /// The layout or archive has several images and none was chosen.
    #[error("{location} has several images: name one of {present}")]
    SeveralImages {
        /// The layout or archive.
        location: String,
        /// The names that it has.
        present: String,
    },
    /// It is not a layout or archive of that kind.
    #[error("{location} is not {expected}: {reason}")]
    NotAnImage {
        /// The layout or archive.
        location: String,
        /// "an OCI layout".
        expected: &'static str,
        /// What is missing or wrong.
        reason: String,
    },
    /// The image is not there for the platform.
    #[error("{image} has no manifest for {wanted}: it has {present}")]
    NoPlatform {
        /// The image.
        image: String,
        /// The platform asked for.
        wanted: Platform,
        /// The platforms that it has.
        present: String,
    },
    /// The bytes received are not the ones that were named.
    #[error("{what} of {image} has digest {actual}, not {expected}")]
    DigestMismatch {
        /// "manifest", "configuration".
        what: &'static str,
        /// The image.
        image: String,
        /// Digest of the bytes received.
        actual: iechor_snapshotter::Digest,
        /// Digest that was named.
        expected: iechor_snapshotter::Digest,
    },
    /// There are more or fewer bytes than were named.
    #[error("{what} of {image} is {actual} bytes long, not {expected}")]
    SizeMismatch {
        /// "manifest", "configuration".
        what: &'static str,
        /// The image.
        image: String,
        /// Bytes received.
        actual: u64,
        /// Bytes named.
        expected: u64,
    },
    /// The manifest cannot be used.
    #[error("cannot use the manifest of {image}")]
    Manifest {
        /// The image.
        image: String,
        /// What is wrong with it.
        source: DocumentError,
    },
    /// The configuration cannot be used.
    #[error("cannot use the configuration of {image}")]
    Config {
        /// The image.
        image: String,
        /// What is wrong with it.
        source: ConfigError,
    },
    /// Indexes point to indexes without end.
    #[error("index of {image} leads to no manifest")]
    NestedTooDeep {
        /// The image.
        image: String,
    },
    /// Manifest and configuration speak of different images.
    #[error("manifest of {image} has {layers} layers, its configuration {diff_ids} diff IDs")]
    LayerCount {
        /// The image.
        image: String,
        /// Layers in the manifest.
        layers: usize,
        /// Diff IDs in the configuration.
        diff_ids: usize,
    },
}
