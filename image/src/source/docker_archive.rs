//! Archives of `docker save`: `manifest.json` says which files are the configuration and the
//! layers of which image.
//!
//! Old ones have a directory for each layer, new ones (docker 25) are OCI layouts besides. Neither
//! kind tells digests of layers as such: a plain layer's is its diff ID, that of a file in `blobs/`
//! is its name, and any other is computed.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::OnceLock;

use iechor_snapshotter::{DiffId, Digest, Hasher};
use serde::Deserialize;

use crate::descriptor::Descriptor;
use crate::json::{self, MAX_CONFIG, MAX_MANIFEST};
use crate::layer::stream::Encoding;
use crate::manifest::Manifest;
use crate::media_type::{
    DOCKER_LAYER, DOCKER_LAYER_GZIP, DOCKER_LAYER_ZSTD, OCI_CONFIG, OCI_MANIFEST,
};
use crate::platform::Platform;
use crate::reference::ImageRef;
use crate::source::layout::Files;
use crate::source::resolve::parse_config;
use crate::source::tar_file::TarFile;
use crate::source::{ImageSource, ResolvedImage, SourceError};

/// An image in an archive of `docker save`.
#[derive(Debug)]
pub(super) struct DockerArchive {
    file: TarFile,
    selector: Option<String>,
    /// Files of the layers, known once the image is resolved.
    members: OnceLock<HashMap<Digest, String>>,
}

/// One image in `manifest.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SavedImage {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

impl DockerArchive {
    pub(super) fn open(path: &Path, selector: Option<String>) -> Result<Self, SourceError> {
        Ok(Self {
            file: TarFile::open(path)?,
            selector,
            members: OnceLock::new(),
        })
    }

    fn not_an_archive(&self, reason: String) -> SourceError {
        let location = self.file.location();
        SourceError::NotAnImage {
            location,
            expected: "an archive of docker save",
            reason,
        }
    }

    fn read(&self, name: &str, most: u64) -> Result<Vec<u8>, SourceError> {
        let bytes = self.file.read(name, most + 1)?;
        let bytes = bytes.ok_or_else(|| self.not_an_archive(format!("it has no file {name:?}")))?;
        match bytes.len() as u64 > most {
            true => Err(self.not_an_archive(format!("{name:?} is larger than {most} bytes"))),
            false => Ok(bytes),
        }
    }

    /// The image that the selector means: by tag, or by the digest of its configuration.
    fn chosen(&self) -> Result<SavedImage, SourceError> {
        let bytes = self.read("manifest.json", MAX_MANIFEST)?;
        let images: Vec<SavedImage> = json::parse(&bytes)
            .map_err(|error| self.not_an_archive(format!("its manifest.json: {error}")))?;
        let (location, present) = (self.file.location(), names(&images));
        let selector = self.selector.as_deref();
        let mut chosen = images
            .into_iter()
            .filter(|image| selector.is_none_or(|text| image.is(text)));
        match (chosen.next(), chosen.next()) {
            (Some(image), None) => Ok(image),
            (Some(_), Some(_)) => Err(SourceError::SeveralImages { location, present }),
            (None, _) => {
                let wanted = selector.unwrap_or_default().to_owned();
                Err(SourceError::NoSuchImage {
                    location,
                    wanted,
                    present,
                })
            }
        }
    }

    fn config(&self, name: &str) -> Result<Vec<u8>, SourceError> {
        let bytes = self.read(name, MAX_CONFIG)?;
        let actual = Digest::of(&bytes);
        match digest_in(name).filter(|expected| *expected != actual) {
            Some(expected) => {
                let (what, image) = ("configuration", self.file.location());
                Err(SourceError::DigestMismatch {
                    what,
                    image,
                    actual,
                    expected,
                })
            }
            None => Ok(bytes),
        }
    }

    fn layer(&self, name: &str, diff_id: &DiffId) -> Result<Descriptor, SourceError> {
        let missing = || self.not_an_archive(format!("it has no file {name:?}"));
        let size = self.file.size(name).ok_or_else(missing)?;
        let head = self.file.read(name, 6)?.ok_or_else(missing)?;
        let (media_type, digest) = match Encoding::of_bytes(&head) {
            Encoding::Plain => (DOCKER_LAYER, *diff_id.digest()),
            Encoding::Gzip => (DOCKER_LAYER_GZIP, self.digest(name)?),
            Encoding::Zstd => (DOCKER_LAYER_ZSTD, self.digest(name)?),
            Encoding::Bzip2 | Encoding::Xz => {
                let reason = format!("layer {name:?} is compressed with bzip2 or xz");
                return Err(self.not_an_archive(reason));
            }
        };
        Ok(Descriptor::new(media_type, digest, size))
    }

    fn digest(&self, name: &str) -> Result<Digest, SourceError> {
        if let Some(digest) = digest_in(name) {
            return Ok(digest);
        }
        let mut hasher = Hasher::new();
        let mut file = self.member(name)?;
        std::io::copy(&mut file, &mut hasher).map_err(|error| self.file.read_error(name, error))?;
        Ok(hasher.finish())
    }

    fn member(&self, name: &str) -> Result<Box<dyn Read + Send>, SourceError> {
        let file = self.file.open(name)?;
        file.ok_or_else(|| self.not_an_archive(format!("it has no file {name:?}")))
    }
}

impl ImageSource for DockerArchive {
    fn resolve(&self, _platform: &Platform) -> Result<ResolvedImage, SourceError> {
        let image = self.chosen()?;
        let config_bytes = self.config(&image.config)?;
        let location = self.file.location();
        let config = parse_config(&location, &config_bytes, image.layers.len())?;
        let diff_ids = config.diff_ids().map_err(|source| SourceError::Config {
            image: location,
            source,
        })?;
        let layers = image.layers.iter().zip(&diff_ids);
        let layers: Vec<Descriptor> = layers
            .map(|(name, diff_id)| self.layer(name, diff_id))
            .collect::<Result<_, _>>()?;

        let digests = layers.iter().map(|layer| layer.digest);
        self.members
            .get_or_init(|| digests.zip(image.layers).collect());

        let config_descriptor = Descriptor::of(OCI_CONFIG, &config_bytes);
        let manifest = Manifest::new(config_descriptor.clone(), layers.clone());
        let manifest_bytes = serde_json::to_vec(&manifest)
            .map_err(|error| self.not_an_archive(error.to_string()))?;
        Ok(ResolvedImage {
            manifest: Descriptor::of(OCI_MANIFEST, &manifest_bytes),
            manifest_bytes,
            config_bytes,
            config_descriptor,
            config,
            layers,
        })
    }

    fn open(&self, layer: &Descriptor) -> Result<Box<dyn Read + Send>, SourceError> {
        let member = self
            .members
            .get()
            .and_then(|members| members.get(&layer.digest));
        match member {
            Some(name) => self.member(name),
            None => Err(self.not_an_archive(format!("it has no layer {}", layer.digest))),
        }
    }
}

impl SavedImage {
    fn is(&self, selector: &str) -> bool {
        let full = |text: &str| text.parse::<ImageRef>().ok();
        let wanted = full(selector);
        let by_tag = |tag: &String| tag == selector || (wanted.is_some() && full(tag) == wanted);
        let id = digest_in(&self.config).map(|digest| digest.to_string());
        id.as_deref() == Some(selector) || self.repo_tags.iter().flatten().any(by_tag)
    }
}

/// The digest that a file's name is: `<hex>.json`, `blobs/sha256/<hex>`.
fn digest_in(name: &str) -> Option<Digest> {
    let last = name.rsplit('/').next()?;
    Digest::from_hex(last.strip_suffix(".json").unwrap_or(last)).ok()
}

fn names(images: &[SavedImage]) -> String {
    let tags: Vec<&str> = images
        .iter()
        .flat_map(|image| image.repo_tags.iter().flatten())
        .map(String::as_str)
        .collect();
    match &tags[..] {
        [] => format!("{} without a name", images.len()),
        tags => tags.join(", "),
    }
}
