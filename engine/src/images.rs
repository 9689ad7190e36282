//! The local image list: names, and the images that they stand for.

use iechor_image::ImageConfig;
use iechor_snapshotter::{Chain, Digest};

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
    /// When it was named here, seconds since the epoch.
    pub created: i64,
    /// Logical bytes of the files in all its layers.
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
    /// Refuse what is ambiguous or in use.
    #[default]
    Careful,
    /// Remove all names (`-f`); never what a mount uses.
    Force,
}

/// Why the list could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImagesError {}

/// All images, by name, dangling ones last.
pub fn list(engine: &Engine) -> Result<Vec<ImageEntry>, ImagesError> {
    todo!()
}

/// Gives the image `source` (name or id prefix) the name `name`; gives the normalised name.
pub fn tag(engine: &Engine, source: &str, name: &str, now: i64) -> Result<String, ImagesError> {
    todo!()
}

/// Removes a name, or by an id prefix the image with its name.
pub fn remove(engine: &Engine, image: &str, removal: Removal) -> Result<Removed, ImagesError> {
    todo!()
}

/// Everything about one image, by name or id prefix.
pub fn inspect(engine: &Engine, image: &str) -> Result<ImageDetails, ImagesError> {
    todo!()
}
