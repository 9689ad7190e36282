//! Images on their way out: layouts, archives, registries.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use iechor_snapshotter::{BlobStore, Chain, DiffId, Hasher};

use crate::config::{ConfigError, ImageConfig};
use crate::content::{ContentError, ContentStore};
use crate::descriptor::Descriptor;
use crate::layer::compress::Compressor;
use crate::layer::{Compression, WriteError, write_layer_tar};
use crate::manifest::{Document, DocumentError, Manifest};
use crate::media_type::{OCI_CONFIG, OCI_MANIFEST, as_oci_layer};
use crate::platform::Platform;
use crate::progress::Progress;
use crate::reference::ImageRef;
use crate::registry::RegistryError;
use crate::source::ResolvedImage;

mod docker_archive;
mod layout;
mod sink;

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
    /// The platform that the configuration names.
    pub platform: Platform,
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
    /// The manifest in the content store cannot be used.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// An index stands where a manifest should.
    #[error("{0} is an index of several images, not a manifest")]
    NotAManifest(iechor_snapshotter::Digest),
    /// Manifest and configuration speak of different images.
    #[error("manifest has {layers} layers, the configuration {diff_ids} diff IDs")]
    LayerCount {
        /// Layers in the manifest.
        layers: usize,
        /// Diff IDs in the configuration.
        diff_ids: usize,
    },
    /// A layer's archive could not be written.
    #[error(transparent)]
    Layer(#[from] WriteError),
    /// The content store failed.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The registry did not take it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A layout that is there already cannot be added to.
    #[error("{path} is not an index that could be added to")]
    ExistingIndex {
        /// The file `index.json`.
        path: PathBuf,
        /// What is wrong with it.
        source: DocumentError,
    },
    /// A system call on a path failed.
    #[error("{action} {path}")]
    Io {
        /// What was being done: "cannot write".
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A layer's file is shorter than it should be: the content store is damaged.
    #[error("{path} ends after {actual} bytes of {expected}")]
    Short {
        /// The file.
        path: PathBuf,
        /// Bytes that there are.
        actual: u64,
        /// Bytes that there should be.
        expected: u64,
    },
    /// The archive's stream could not be written.
    #[error("cannot write the archive")]
    Write(#[source] io::Error),
    /// The documents could not be written.
    #[error("cannot write the manifest")]
    Json(#[source] serde_json::Error),
}

impl ImageLayer {
    /// Makes the OCI layer of a chain's topmost layer, compressed, in the content store.
    /// Deterministic: the same changes and compression give the same descriptor. Progress counts
    /// bytes before compression.
    pub fn generate(
        chain: &Chain,
        blobs: &BlobStore,
        compression: Compression,
        content: &ContentStore,
        progress: Progress<'_>,
    ) -> Result<Self, ExportError> {
        let compressor = Compressor::new(compression, content.writer()?);
        let inner = compressor.map_err(ExportError::Write)?;
        let mut tar = Tee {
            inner,
            hasher: Hasher::new(),
            progress,
        };
        write_layer_tar(chain, blobs, &mut tar)?;
        let diff_id = DiffId::new(tar.hasher.finish());
        let (digest, size) = tar.inner.finish().map_err(ExportError::Write)?.finish()?;
        let descriptor = Descriptor::new(compression.media_type(), digest, size);
        Ok(Self::stored(&descriptor, diff_id, content))
    }

    /// A layer that is in the content store, where [`ContentStore::fetch_layer`] puts it.
    pub fn stored(layer: &Descriptor, diff_id: DiffId, content: &ContentStore) -> Self {
        let path = content.path(&layer.digest);
        Self {
            descriptor: layer.clone(),
            diff_id,
            path,
            origin: None,
        }
    }
}

impl Image {
    /// Makes an OCI image of a configuration and layers; sets the configuration's diff IDs.
    pub fn assemble(
        mut config: ImageConfig,
        mut layers: Vec<ImageLayer>,
    ) -> Result<Self, ExportError> {
        config.rootfs.diff_ids = layers
            .iter()
            .map(|layer| layer.diff_id.to_string())
            .collect();
        for layer in &mut layers {
            as_oci_layer(&mut layer.descriptor.media_type);
        }
        let config_bytes = config.to_bytes()?;
        let described = Descriptor::of(OCI_CONFIG, &config_bytes);
        let descriptors = layers.iter().map(|layer| layer.descriptor.clone());
        let manifest = Manifest::new(described.clone(), descriptors.collect());
        let manifest_bytes = serde_json::to_vec(&manifest).map_err(ExportError::Json)?;
        Ok(Self {
            manifest: Descriptor::of(OCI_MANIFEST, &manifest_bytes),
            manifest_bytes,
            config: described,
            config_bytes,
            platform: config.platform(),
            layers,
        })
    }

    /// A pulled image as it came, its layers in the content store.
    pub fn pulled(image: &ResolvedImage, content: &ContentStore) -> Result<Self, ExportError> {
        let diff_ids = image.config.diff_ids()?;
        if diff_ids.len() != image.layers.len() {
            let (layers, diff_ids) = (image.layers.len(), diff_ids.len());
            return Err(ExportError::LayerCount { layers, diff_ids });
        }
        let layers = image.layers.iter().zip(diff_ids);
        Ok(Self {
            manifest: image.manifest.clone(),
            manifest_bytes: image.manifest_bytes.clone(),
            config: image.config_descriptor.clone(),
            config_bytes: image.config_bytes.clone(),
            platform: image.config.platform(),
            layers: layers
                .map(|(layer, id)| ImageLayer::stored(layer, id, content))
                .collect(),
        })
    }

    /// Puts manifest and configuration into the content store, beside the layers.
    pub fn store(&self, content: &ContentStore) -> Result<(), ExportError> {
        content.put(&self.config_bytes)?;
        content.put(&self.manifest_bytes)?;
        Ok(())
    }

    /// Reads back what [`Image::store`] put.
    pub fn load(manifest: &Descriptor, content: &ContentStore) -> Result<Self, ExportError> {
        let manifest_bytes = content.read(manifest)?;
        let Document::Manifest(parsed) = Document::parse(&manifest_bytes, &manifest.media_type)?
        else {
            return Err(ExportError::NotAManifest(manifest.digest));
        };
        let config_bytes = content.read(&parsed.config)?;
        let image = ResolvedImage {
            manifest: manifest.clone(),
            manifest_bytes,
            config: ImageConfig::parse(&config_bytes)?,
            config_bytes,
            config_descriptor: parsed.config,
            layers: parsed.layers,
        };
        Self::pulled(&image, content)
    }

    /// Writes an OCI layout (OCI image-spec image-layout.md) into `dir`, made if missing. An image
    /// there of the same name is replaced, others stay. Progress counts bytes of layers.
    pub fn write_oci_layout(
        &self,
        dir: &Path,
        tags: &[ImageRef],
        progress: Progress<'_>,
    ) -> Result<(), ExportError> {
        layout::write_directory(self, dir, tags, progress)
    }

    /// Writes an OCI layout as a tar archive.
    pub fn write_oci_archive(
        &self,
        out: &mut dyn Write,
        tags: &[ImageRef],
        progress: Progress<'_>,
    ) -> Result<(), ExportError> {
        layout::write_archive(self, out, tags, progress)
    }

    /// Writes an archive that `docker load`, `podman load` and skopeo read: an OCI layout with the
    /// files of `docker save` besides.
    pub fn write_docker_archive(
        &self,
        out: &mut dyn Write,
        tags: &[ImageRef],
        progress: Progress<'_>,
    ) -> Result<(), ExportError> {
        docker_archive::write(self, out, tags, progress)
    }
}

/// Hashes what passes and tells of it.
struct Tee<'a, W> {
    inner: W,
    hasher: Hasher,
    progress: Progress<'a>,
}

impl<W: Write> Write for Tee<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        (self.progress)(n as u64);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
