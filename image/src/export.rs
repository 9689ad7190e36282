//! Images on their way out: layouts, archives, registries.

use std::io::Write;
use std::path::{Path, PathBuf};

use iechor_snapshotter::{BlobStore, Chain, DiffId};

use crate::config::{ConfigError, ImageConfig};
use crate::content::{ContentError, ContentStore};
use crate::descriptor::Descriptor;
use crate::layer::{Compression, WriteError};
use crate::progress::Progress;
use crate::reference::ImageRef;
use crate::registry::RegistryError;
use crate::source::ResolvedImage;

/// A finished image: documents as bytes, and where the layers' bytes are.
#[derive(Debug, Clone)]
pub struct Image {
    /// The manifest.
    pub manifest: Descriptor,
    /// Its bytes.
    pub manifest_bytes: Vec<u8>,
    /// The configuration; its digest is the image id.
    pub config: Descriptor,
    /// Its bytes.
    pub config_bytes: Vec<u8>,
    /// The layers, base first.
    pub layers: Vec<ImageLayer>,
}

/// One layer of an image.
#[derive(Debug, Clone)]
pub struct ImageLayer {
    /// What the manifest says of it.
    pub descriptor: Descriptor,
    /// Digest of the uncompressed archive.
    pub diff_id: DiffId,
    /// The file with its bytes, as the descriptor describes them.
    pub path: PathBuf,
    /// Where it was pulled from: a push to the same registry mounts it from there.
    pub origin: Option<ImageRef>,
}

/// Why an image could not be made or sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The configuration could not be read or written.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A layer's archive could not be written.
    #[error(transparent)]
    Layer(#[from] WriteError),
    /// The content store failed.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The registry did not take it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A system call on a path failed.
    #[error("{action} {path}")]
    Io {
        /// What was being done: "cannot write".
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// The archive's stream could not be written.
    #[error("cannot write the archive")]
    Write(#[source] std::io::Error),
    /// The documents could not be written.
    #[error("cannot write the manifest")]
    Json(#[source] serde_json::Error),
}

impl ImageLayer {
    /// Makes the OCI layer of a chain's topmost layer, compressed, in the content store.
    /// Deterministic: the same changes and compression give the same descriptor.
    pub fn generate(
        chain: &Chain,
        blobs: &BlobStore,
        compression: Compression,
        content: &ContentStore,
        progress: Progress<'_>,
    ) -> Result<Self, ExportError> {
        todo!()
    }

    /// A layer of a pulled image, which [`ContentStore::fetch_layer`] has put into the store.
    pub fn stored(layer: &Descriptor, diff_id: DiffId, content: &ContentStore) -> Self {
        todo!()
    }
}

impl Image {
    /// Makes an image of a configuration and layers; sets the configuration's diff IDs.
    pub fn assemble(config: ImageConfig, layers: Vec<ImageLayer>) -> Result<Self, ExportError> {
        todo!()
    }

    /// A pulled image as it came, its layers in the content store.
    pub fn pulled(image: &ResolvedImage, content: &ContentStore) -> Result<Self, ExportError> {
        todo!()
    }

    /// Puts manifest and configuration into the content store, beside the layers.
    pub fn store(&self, content: &ContentStore) -> Result<(), ExportError> {
        todo!()
    }

    /// Reads back what [`Image::store`] put.
    pub fn load(manifest: &Descriptor, content: &ContentStore) -> Result<Self, ExportError> {
        todo!()
    }

    /// Writes an OCI layout into `dir`, made if missing; an image there of the same name is replaced,
    /// others stay.
    pub fn write_oci_layout(
        &self,
        dir: &Path,
        tags: &[ImageRef],
        progress: Progress<'_>,
    ) -> Result<(), ExportError> {
        todo!()
    }

    /// Writes an OCI layout as a tar archive.
    pub fn write_oci_archive(
        &self,
        out: &mut dyn Write,
        tags: &[ImageRef],
        progress: Progress<'_>,
    ) -> Result<(), ExportError> {
        todo!()
    }

    /// Writes an archive that `docker load`, `podman load` and skopeo read.
    pub fn write_docker_archive(
        &self,
        out: &mut dyn Write,
        tags: &[ImageRef],
        progress: Progress<'_>,
    ) -> Result<(), ExportError> {
        todo!()
    }
}
