//! Descriptors: what some bytes are, how many, and what they must hash to.

use std::collections::BTreeMap;

use iechor_snapshotter::Digest;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Where bytes are and what they must hash to (OCI image-spec descriptor.md).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor {
    /// Media type.
    #[serde(rename = "mediaType")]
    pub media_type: String,
    /// Digest of the bytes.
    #[serde(serialize_with = "write_digest", deserialize_with = "read_digest")]
    pub digest: Digest,
    /// How many bytes.
    pub size: u64,
    /// Free-form notes; no meaning to us but for the names of images in a layout.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// Describes bytes that are in memory.
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self::new(media_type, Digest::of(bytes), bytes.len() as u64)
    }

    /// A descriptor without annotations.
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest,
            size,
            annotations: BTreeMap::new(),
        }
    }

    /// The same with one more annotation.
    #[must_use]
    pub fn annotated(mut self, key: &str, value: &str) -> Self {
        self.annotations.insert(key.to_owned(), value.to_owned());
        self
    }
}

/// Writes a digest in its textual form, for `#[serde(serialize_with)]`.
pub(crate) fn write_digest<S: Serializer>(digest: &Digest, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(digest)
}

/// Reads a digest from its textual form, for `#[serde(deserialize_with)]`.
pub(crate) fn read_digest<'de, D: Deserializer<'de>>(input: D) -> Result<Digest, D::Error> {
    String::deserialize(input)?
        .parse()
        .map_err(de::Error::custom)
}
