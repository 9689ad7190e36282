//! From the value of FROM, `--from` or `--build-context` to an image that steps can build on.
//!
//! ```text
//! scratch                     the empty chain
//! oci-layout://DIR[:TAG]      an OCI image layout directory
//! oci-archive://FILE[:TAG]    the same as a tar archive
//! docker-archive://FILE[:TAG] what `docker save` writes
//! docker-image://NAME, NAME   the local image list first, then the registry
//! ```
//!
//! Importing fetches the layers into the content store, unpacks each into a snapshot on its parent
//! and remembers which snapshot a layer made of which parent, so that a layer is unpacked once.

use iechor_image::{ImageConfig, Platform};
use iechor_snapshotter::{Chain, Digest};

use crate::progress::{ProgressSink, StepId};
use crate::request::PullPolicy;
use crate::state::Engine;

/// An image that steps can build on.
#[derive(Debug, Clone)]
pub struct BaseImage {
    /// What it was asked for as; references normalised.
    pub name: String,
    /// What enters the cache key (rule C18): the digest of the manifest for one platform, or of
    /// the configuration when the image was built here and never had a manifest. That of no
    /// bytes for `scratch`.
    pub digest: Digest,
    /// Its configuration.
    pub config: ImageConfig,
    /// Its root file system; as many layers as `config.rootfs.diff_ids`.
    pub chain: Chain,
}

/// Why an image could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourcesError {}

/// Finds an image and imports what is not here yet.
pub fn resolve(
    engine: &Engine,
    spec: &str,
    platform: &Platform,
    pull: PullPolicy,
    progress: &dyn ProgressSink,
    step: StepId,
) -> Result<BaseImage, SourcesError> {
    todo!()
}

/// `iechor pull`: fetches an image from its registry, whatever the local list has, and names it.
pub fn pull(
    engine: &Engine,
    name: &str,
    platform: &Platform,
    progress: &dyn ProgressSink,
    step: StepId,
) -> Result<BaseImage, SourcesError> {
    resolve(engine, name, platform, PullPolicy::Always, progress, step)
}
