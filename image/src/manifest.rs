//! Manifests and indexes (OCI image-spec manifest.md and image-index.md; Docker schema 2).

use std::collections::BTreeMap;

use iechor_snapshotter::Digest;
use serde::{Deserialize, Serialize};

use crate::descriptor::{Descriptor, read_digest, write_digest};
use crate::json::{self, MAX_MANIFEST};
use crate::media_type::{self, OCI_INDEX, OCI_MANIFEST};
use crate::platform::Platform;

/// The manifest of an image for one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// Its own media type; older OCI manifests leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The image configuration.
    pub config: Descriptor,
    /// The layers, base first.
    pub layers: Vec<Descriptor>,
    /// Free-form notes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// An index: one image for several platforms, or the table of contents of a layout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// Its own media type; older OCI indexes leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What it lists.
    pub manifests: Vec<IndexEntry>,
    /// Free-form notes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// One line of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexEntry {
    /// Media type of the manifest or nested index.
    pub media_type: String,
    /// Its digest.
    #[serde(serialize_with = "write_digest", deserialize_with = "read_digest")]
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// For which platform it is, if the index says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Free-form notes; in a layout, the image's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// What a registry or a layout can have behind a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// An image for one platform.
    Manifest(Manifest),
    /// An image for several platforms.
    Index(Index),
}

/// Why a document is neither a manifest nor an index.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// It is larger than registries accept.
    #[error("manifest is {0} bytes long: at most {MAX_MANIFEST} are read")]
    TooLarge(u64),
    /// It is not the JSON that it should be.
    #[error("manifest is not valid")]
    Json(#[source] serde_json::Error),
    /// It can be read as a manifest and as an index, and may mean different images to different
    /// readers (CVE-2021-41190).
    #[error("manifest has both layers and manifests: it could be read as two different images")]
    Ambiguous,
    /// It is neither.
    #[error("document has neither layers nor manifests")]
    Neither,
    /// What it says of itself is not what it was announced as.
    #[error("manifest was announced as {announced} and says that it is {inside}")]
    MediaType {
        /// Media type of the descriptor or of the response.
        announced: String,
        /// Media type in the document, or the one that its form has.
        inside: String,
    },
    /// It follows a schema that is not read.
    #[error("manifest has schema version {0}: only 2 is read")]
    SchemaVersion(u64),
}

/// The fields by which the two kinds of document differ.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    #[serde(default)]
    schema_version: u64,
    media_type: Option<String>,
    config: Option<serde::de::IgnoredAny>,
    layers: Option<serde::de::IgnoredAny>,
    fs_layers: Option<serde::de::IgnoredAny>,
    manifests: Option<serde::de::IgnoredAny>,
}

impl Document {
    /// Reads a document that was announced with a media type (of a descriptor or response;
    /// empty if none was given).
    pub fn parse(bytes: &[u8], announced: &str) -> Result<Self, DocumentError> {
        if bytes.len() as u64 > MAX_MANIFEST {
            return Err(DocumentError::TooLarge(bytes.len() as u64));
        }
        let shape: Shape = json::parse(bytes).map_err(DocumentError::Json)?;
        if shape.schema_version != 2 {
            return Err(DocumentError::SchemaVersion(shape.schema_version));
        }
        let has_manifest = shape.layers.or(shape.config).or(shape.fs_layers).is_some();
        let document = match (has_manifest, shape.manifests.is_some()) {
            (true, true) => return Err(DocumentError::Ambiguous),
            (false, false) => return Err(DocumentError::Neither),
            (true, false) => json::parse(bytes).map(Self::Manifest),
            (false, true) => json::parse(bytes).map(Self::Index),
        }
        .map_err(DocumentError::Json)?;
        document.check_media_type(announced, shape.media_type.as_deref())?;
        Ok(document)
    }

    /// All three must agree: the announcement, the document's own word, and its form.
    fn check_media_type(&self, announced: &str, inside: Option<&str>) -> Result<(), DocumentError> {
        let refuse = |inside: &str| {
            let announced = announced.to_owned();
            Err(DocumentError::MediaType {
                announced,
                inside: inside.to_owned(),
            })
        };
        let fits = |media_type: &str| match self {
            Self::Manifest(_) => media_type::is_manifest(media_type),
            Self::Index(_) => media_type::is_index(media_type),
        };
        let is_typed = media_type::is_manifest(announced) || media_type::is_index(announced);
        match inside {
            Some(inside) if !fits(inside) || (is_typed && inside != announced) => refuse(inside),
            None if is_typed && !fits(announced) => refuse(self.media_type()),
            _ => Ok(()),
        }
    }

    /// Its media type: its own word, else OCI's for its form.
    pub fn media_type(&self) -> &str {
        match self {
            Self::Manifest(manifest) => manifest.media_type.as_deref().unwrap_or(OCI_MANIFEST),
            Self::Index(index) => index.media_type.as_deref().unwrap_or(OCI_INDEX),
        }
    }
}

impl Manifest {
    /// An OCI manifest.
    pub fn new(config: Descriptor, layers: Vec<Descriptor>) -> Self {
        let media_type = Some(OCI_MANIFEST.to_owned());
        Self {
            schema_version: 2,
            media_type,
            config,
            layers,
            annotations: BTreeMap::new(),
        }
    }
}

impl Index {
    /// An OCI index.
    pub fn new(manifests: Vec<IndexEntry>) -> Self {
        let media_type = Some(OCI_INDEX.to_owned());
        Self {
            schema_version: 2,
            media_type,
            manifests,
            annotations: BTreeMap::new(),
        }
    }

    /// The entry that serves a platform best: the exact one, else the greatest lesser variant;
    /// one that names no platform only if it is alone.
    pub fn select(&self, platform: &Platform) -> Option<&IndexEntry> {
        let distance = |entry: &IndexEntry| platform.distance(entry.platform.as_ref()?);
        let fitting = self
            .manifests
            .iter()
            .filter(|entry| distance(entry).is_some());
        fitting
            .min_by_key(|entry| distance(entry))
            .or(match &self.manifests[..] {
                [only] if only.platform.is_none() => Some(only),
                _ => None,
            })
    }

    /// The platforms that it has, for messages.
    pub fn platforms(&self) -> String {
        let names = self
            .manifests
            .iter()
            .filter_map(|entry| entry.platform.as_ref());
        let names: Vec<String> = names.map(ToString::to_string).collect();
        names.join(", ")
    }
}

impl IndexEntry {
    /// A line for a descriptor.
    pub fn new(descriptor: &Descriptor, platform: Option<Platform>) -> Self {
        let Descriptor {
            media_type,
            digest,
            size,
            annotations,
        } = descriptor.clone();
        Self {
            media_type,
            digest,
            size,
            platform,
            annotations,
        }
    }

    /// The same without the platform.
    pub fn descriptor(&self) -> Descriptor {
        let Self {
            media_type,
            digest,
            size,
            annotations,
            ..
        } = self.clone();
        Descriptor {
            media_type,
            digest,
            size,
            annotations,
        }
    }
}
