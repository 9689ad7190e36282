//! Where images come from.

use std::io::Read;

use iechor_snapshotter::Digest;

use crate::config::ImageConfig;
use crate::platform::Platform;

/// Where bytes are and what they must hash to (OCI image-spec descriptor.md).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// Media type.
    pub media_type: String,
    /// Digest of the bytes.
    pub digest: Digest,
    /// How many bytes.
    pub size: u64,
}

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
    fn resolve(&self, platform: &Platform) -> Result<ResolvedImage, crate::source::SourceError>;

    /// Opens the bytes of a layer as stored (compressed). Not verified: the reader of the stream does it.
    fn open(&self, layer: &Descriptor) -> Result<Box<dyn Read + Send>, crate::source::SourceError>;
}

/// Why an image could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {}
