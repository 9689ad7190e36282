//! The local image list: names, and the images that they stand for.
//!
//! An image is named by a reference (`app`, `docker.io/library/app:latest`) or by the first digits
//! of its id. A text that is both is the name.

mod error;

use std::cmp::Ordering;

use iechor_cachedb::{CacheError, Image};
use iechor_image::manifest::Document;
use iechor_image::{Descriptor, ImageConfig, ImageRef};
use iechor_snapshotter::{Chain, Digest};

pub use self::error::ImagesError;
use crate::state::Engine;

/// One line of `iechor images`: a name and its image; an image with two names has two.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ImageEntry {
    /// Normalised name with tag (`docker.io/library/app:latest`); none when dangling.
    pub name: Option<String>,
    /// Digest of the configuration, `sha256:…`.
    pub id: String,
    /// Digest of the manifest that it was pulled with.
    pub manifest: Option<String>,
    /// `linux/amd64`.
    pub platform: String,
    /// When it came here, seconds since the epoch.
    pub created: i64,
    /// Bytes of its layers as uncompressed archives.
    pub size: u64,
}

/// Everything about one image, for `iechor inspect`.
#[derive(Debug, Clone)]
pub struct ImageDetails {
    /// Digest of the configuration.
    pub id: Digest,
    /// All its names.
    pub names: Vec<String>,
    /// Digest of the manifest that it was pulled with.
    pub manifest: Option<Digest>,
    /// The configuration, as stored.
    pub config: ImageConfig,
    /// Its root file system.
    pub chain: Chain,
}

/// What [`remove`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Removed {
    /// Names that are gone.
    pub untagged: Vec<String>,
    /// Images that have no name any more; their layers stay in the cache until pruned.
    pub deleted: Vec<String>,
}

/// Whether an image with several names may be removed by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Removal {
    /// Refuse it.
    #[default]
    Careful,
    /// Remove all names (`-f`).
    Force,
}

/// All images by name, dangling ones last.
///
/// # Errors
///
/// [`ImagesError::Cache`].
pub fn list(engine: &Engine) -> Result<Vec<ImageEntry>, ImagesError> {
    let mut entries: Vec<_> = engine.cache().images()?.iter().flat_map(entries).collect();
    entries.sort_by(|one, other| match (&one.name, &other.name) {
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (one, other) => one.cmp(other),
    });
    Ok(entries)
}

/// Gives the image `source` (name or id prefix) the name `name`; gives the normalised name.
///
/// # Errors
///
/// [`ImagesError::NotFound`], [`ImagesError::Ambiguous`], and when `name` is no name.
pub fn tag(engine: &Engine, source: &str, name: &str) -> Result<String, ImagesError> {
    let image = find(engine, source)?;
    let reference: ImageRef = name.parse()?;
    if reference.digest().is_some() {
        return Err(ImagesError::NameWithDigest(name.to_owned()));
    }
    let name = reference.to_string();
    engine.cache().tag(&image.id, &name)?;
    Ok(name)
}

/// Removes a name, or by an id prefix the image with its name. An image whose last name went is
/// off the list; its layers stay in the cache until pruned.
///
/// # Errors
///
/// [`ImagesError::SeveralNames`] unless forced; [`ImagesError::NotFound`],
/// [`ImagesError::Ambiguous`].
pub fn remove(engine: &Engine, image: &str, removal: Removal) -> Result<Removed, ImagesError> {
    let found = find(engine, image)?;
    let name = canonical(image).filter(|name| found.names.contains(name));
    match name {
        Some(name) if found.names.len() > 1 => untag(engine, name),
        None if found.names.len() > 1 && removal == Removal::Careful => {
            Err(ImagesError::SeveralNames {
                id: found.id.short(),
                names: found.names,
            })
        }
        _ => delete(engine, found),
    }
}

/// Everything about one image, by name or id prefix.
///
/// # Errors
///
/// [`ImagesError::NotFound`], [`ImagesError::Ambiguous`]; [`ImagesError::Chain`] when its layers
/// are damaged.
pub fn inspect(engine: &Engine, image: &str) -> Result<ImageDetails, ImagesError> {
    let image = find(engine, image)?;
    Ok(ImageDetails {
        id: image.id,
        config: config_of(&image)?,
        chain: chain_of(engine, &image)?,
        manifest: manifest_of(&image).map(|manifest| manifest.digest),
        names: image.names,
    })
}

/// An image by name or id prefix.
pub(crate) fn find(engine: &Engine, text: &str) -> Result<Image, ImagesError> {
    if let Some(image) = by_name(engine, text)? {
        return Ok(image);
    }
    engine
        .cache()
        .image_by_prefix(text)
        .map_err(|error| match error {
            CacheError::NotFound { .. } => ImagesError::NotFound(text.to_owned()),
            CacheError::Ambiguous { prefix, candidates } => {
                ImagesError::Ambiguous { prefix, candidates }
            }
            other => other.into(),
        })
}

/// An image by name; none also when the text can be no name.
pub(crate) fn by_name(engine: &Engine, text: &str) -> Result<Option<Image>, CacheError> {
    match canonical(text) {
        Some(name) => engine.cache().image_by_name(&name),
        None => Ok(None),
    }
}

/// An image by its whole id.
pub(crate) fn by_id(engine: &Engine, id: &Digest) -> Result<Option<Image>, CacheError> {
    match engine.cache().image_by_prefix(&id.to_string()) {
        Err(CacheError::NotFound { .. }) => Ok(None),
        found => found.map(Some),
    }
}

/// The root file system of an image.
pub(crate) fn chain_of(engine: &Engine, image: &Image) -> Result<Chain, ImagesError> {
    match image.chain.last() {
        None => Ok(Chain::empty()),
        Some(tip) => engine
            .store()
            .chain(*tip)
            .map_err(|source| ImagesError::Chain {
                id: image.id,
                source,
            }),
    }
}

/// Descriptor of the manifest that an image was pulled with.
pub(crate) fn manifest_of(image: &Image) -> Option<Descriptor> {
    let text = image.manifest.as_ref()?;
    match Document::parse(text.as_bytes(), "").ok()? {
        Document::Manifest(manifest) => {
            let media_type = manifest.media_type.as_deref();
            let media_type = media_type.unwrap_or(iechor_image::media_type::OCI_MANIFEST);
            Some(Descriptor::of(media_type, text.as_bytes()))
        }
        Document::Index(_) => None,
    }
}

fn config_of(image: &Image) -> Result<ImageConfig, ImagesError> {
    ImageConfig::parse(image.config.as_bytes()).map_err(|source| ImagesError::Config {
        id: image.id,
        source,
    })
}

fn canonical(text: &str) -> Option<String> {
    text.parse::<ImageRef>()
        .ok()
        .map(|reference| reference.to_string())
}

fn entries(image: &Image) -> Vec<ImageEntry> {
    let entry = |name: Option<String>| ImageEntry {
        name,
        id: image.id.to_string(),
        manifest: image
            .manifest
            .as_ref()
            .map(|text| Digest::of(text.as_bytes()).to_string()),
        platform: image.platform.clone(),
        created: image.created.0.div_euclid(1000),
        size: image.size,
    };
    match image.names.as_slice() {
        [] => vec![entry(None)],
        names => names.iter().cloned().map(Some).map(entry).collect(),
    }
}

fn untag(engine: &Engine, name: String) -> Result<Removed, ImagesError> {
    engine.cache().untag(&name)?;
    Ok(Removed {
        untagged: vec![name],
        deleted: Vec::new(),
    })
}

fn delete(engine: &Engine, image: Image) -> Result<Removed, ImagesError> {
    engine.cache().remove_image(&image.id)?;
    Ok(Removed {
        untagged: image.names,
        deleted: vec![image.id.to_string()],
    })
}
