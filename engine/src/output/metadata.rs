//! What `--metadata-file` tells.

use iechor_image::Descriptor;
use serde::Serialize;

use super::Finished;

/// What `--metadata-file` tells of the image, under the keys that scripts know from buildx.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// Digest of the manifest, else of the configuration.
    #[serde(rename = "containerimage.digest")]
    pub digest: String,
    /// Digest of the configuration.
    #[serde(rename = "containerimage.config.digest")]
    pub config_digest: String,
    /// The manifest's descriptor.
    #[serde(
        rename = "containerimage.descriptor",
        skip_serializing_if = "Option::is_none"
    )]
    pub descriptor: Option<Descriptor>,
    /// Names, joined by commas.
    #[serde(rename = "image.name", skip_serializing_if = "String::is_empty")]
    pub name: String,
}

impl Finished {
    /// What `--metadata-file` tells of it.
    pub fn metadata(&self) -> Metadata {
        let digest = self
            .manifest
            .as_ref()
            .map_or(self.image_id, |manifest| manifest.digest);
        Metadata {
            digest: digest.to_string(),
            config_digest: self.image_id.to_string(),
            descriptor: self.manifest.clone(),
            name: self.names.join(","),
        }
    }
}
