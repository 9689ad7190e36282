//! From the chain and configuration that a build made to an image: named, written, described.

use std::io::Write;

use iechor_image::ImageConfig;
use iechor_image::source::Descriptor;
use iechor_snapshotter::{Chain, Digest};

use crate::progress::{ProgressSink, StepId};
use crate::request::Output;
use crate::state::Engine;

/// What the steps of a build made.
#[derive(Debug, Clone)]
pub struct BuildResult {
    /// The root file system of the target stage.
    pub chain: Chain,
    /// Its configuration; `rootfs.diff_ids` is filled in here.
    pub config: ImageConfig,
    /// `-t`, as given.
    pub names: Vec<String>,
}

/// An image that is in the local list (or dangling, without a name) and in every output.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Digest of the configuration: the image id.
    pub image_id: Digest,
    /// The manifest of the last output that has one.
    pub manifest: Option<Descriptor>,
    /// The names that it was given, normalised.
    pub names: Vec<String>,
    /// Bytes that outputs wrote.
    pub bytes_written: u64,
}

/// What `--metadata-file` tells of the image, under the keys that scripts know from buildx.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Metadata {
    /// Digest of the manifest, else of the configuration.
    #[serde(rename = "containerimage.digest")]
    pub digest: String,
    /// Digest of the configuration.
    #[serde(rename = "containerimage.config.digest")]
    pub config_digest: String,
    /// The manifest's descriptor.
    #[serde(rename = "containerimage.descriptor", skip_serializing_if = "Option::is_none")]
    pub descriptor: Option<serde_json::Value>,
    /// Names, joined by commas.
    #[serde(rename = "image.name", skip_serializing_if = "String::is_empty")]
    pub name: String,
}

impl Finished {
    /// What `--metadata-file` tells of it.
    pub fn metadata(&self) -> Metadata {
        let digest = self.manifest.as_ref().map_or(self.image_id, |manifest| manifest.digest);
        Metadata {
            digest: digest.to_string(),
            config_digest: self.image_id.to_string(),
            descriptor: self.manifest.as_ref().map(described),
            name: self.names.join(","),
        }
    }
}

fn described(manifest: &Descriptor) -> serde_json::Value {
    serde_json::json!({
        "mediaType": manifest.media_type,
        "digest": manifest.digest.to_string(),
        "size": manifest.size,
    })
}

/// Why an image could not be finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {}

/// Completes the configuration, names the image in the local list and writes every output;
/// `stdout` takes those that go to [`OutputDest::Stdout`](crate::request::OutputDest::Stdout).
///
/// `now` is in seconds since the epoch.
pub fn finish(
    engine: &Engine,
    result: BuildResult,
    outputs: &[Output],
    stdout: &mut dyn Write,
    now: i64,
    progress: &dyn ProgressSink,
    step: StepId,
) -> Result<Finished, OutputError> {
    todo!()
}

/// `iechor push`: sends an image of the local list to a registry, as `dest` or under its own name.
pub fn push(
    engine: &Engine,
    name: &str,
    dest: Option<&str>,
    progress: &dyn ProgressSink,
    step: StepId,
) -> Result<Descriptor, OutputError> {
    todo!()
}
