//! From a name to a manifest and a configuration, the same for all sources.

use iechor_snapshotter::Digest;

use crate::config::{ConfigError, ImageConfig};
use crate::descriptor::Descriptor;
use crate::json::{MAX_CONFIG, MAX_MANIFEST};
use crate::manifest::{Document, DocumentError, Index, Manifest};
use crate::platform::Platform;
use crate::source::{ResolvedImage, SourceError};

/// An index may list indexes, which may list manifests; deeper is not read.
const MAX_DEPTH: usize = 4;

/// A place that has documents by their digest.
pub(crate) trait Documents {
    /// How messages name the image.
    fn image(&self) -> String;

    /// Reads a manifest or index, at most as many bytes as the descriptor says and one more.
    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, SourceError>;

    /// Reads a configuration, likewise.
    fn config(&self, descriptor: &Descriptor) -> Result<Vec<u8>, SourceError>;
}

/// Follows a document, already read, to the manifest for a platform and its configuration.
pub(crate) fn resolve(
    from: &dyn Documents,
    mut descriptor: Descriptor,
    mut bytes: Vec<u8>,
    platform: &Platform,
) -> Result<ResolvedImage, SourceError> {
    for _ in 0..MAX_DEPTH {
        match parse(from, &bytes, &descriptor.media_type)? {
            Document::Manifest(manifest) => return finish(from, descriptor, bytes, manifest),
            Document::Index(index) => descriptor = select(from, &index, platform)?,
        }
        bytes = read_manifest(from, &descriptor)?;
    }
    Err(SourceError::NestedTooDeep {
        image: from.image(),
    })
}

/// Reads a manifest or index and compares it with its descriptor.
pub(crate) fn read_manifest(
    from: &dyn Documents,
    descriptor: &Descriptor,
) -> Result<Vec<u8>, SourceError> {
    if descriptor.size > MAX_MANIFEST {
        let source = DocumentError::TooLarge(descriptor.size);
        return Err(SourceError::Manifest {
            image: from.image(),
            source,
        });
    }
    let bytes = from.manifest(descriptor)?;
    verify("manifest", from, &bytes, descriptor)?;
    Ok(bytes)
}

fn parse(from: &dyn Documents, bytes: &[u8], media_type: &str) -> Result<Document, SourceError> {
    Document::parse(bytes, media_type).map_err(|source| SourceError::Manifest {
        image: from.image(),
        source,
    })
}

fn select(
    from: &dyn Documents,
    index: &Index,
    platform: &Platform,
) -> Result<Descriptor, SourceError> {
    let entry = index
        .select(platform)
        .ok_or_else(|| SourceError::NoPlatform {
            image: from.image(),
            wanted: platform.clone(),
            present: index.platforms(),
        })?;
    Ok(entry.descriptor())
}

fn finish(
    from: &dyn Documents,
    descriptor: Descriptor,
    bytes: Vec<u8>,
    manifest: Manifest,
) -> Result<ResolvedImage, SourceError> {
    let config_bytes = read_config(from, &manifest.config)?;
    let config = parse_config(&from.image(), &config_bytes, manifest.layers.len())?;
    Ok(ResolvedImage {
        manifest: descriptor,
        manifest_bytes: bytes,
        config_bytes,
        config_descriptor: manifest.config,
        config,
        layers: manifest.layers,
    })
}

fn read_config(from: &dyn Documents, descriptor: &Descriptor) -> Result<Vec<u8>, SourceError> {
    if descriptor.size > MAX_CONFIG {
        let source = ConfigError::TooLarge(descriptor.size);
        return Err(SourceError::Config {
            image: from.image(),
            source,
        });
    }
    let bytes = from.config(descriptor)?;
    verify("configuration", from, &bytes, descriptor)?;
    Ok(bytes)
}

/// Reads a configuration, which must have a diff ID for each layer.
pub(crate) fn parse_config(
    image: &str,
    bytes: &[u8],
    layers: usize,
) -> Result<ImageConfig, SourceError> {
    let config = ImageConfig::parse(bytes).map_err(|source| SourceError::Config {
        image: image.to_owned(),
        source,
    })?;
    let diff_ids = config.rootfs.diff_ids.len();
    match diff_ids == layers {
        true => Ok(config),
        false => Err(SourceError::LayerCount {
            image: image.to_owned(),
            layers,
            diff_ids,
        }),
    }
}

fn verify(
    what: &'static str,
    from: &dyn Documents,
    bytes: &[u8],
    expected: &Descriptor,
) -> Result<(), SourceError> {
    let (image, actual) = (from.image(), bytes.len() as u64);
    if actual != expected.size {
        return Err(SourceError::SizeMismatch {
            what,
            image,
            actual,
            expected: expected.size,
        });
    }
    let (actual, expected) = (Digest::of(bytes), expected.digest);
    match actual == expected {
        true => Ok(()),
        false => Err(SourceError::DigestMismatch {
            what,
            image,
            actual,
            expected,
        }),
    }
}
