//! One build, from request to outcome.

use iechor_executor::CancelToken;
use iechor_snapshotter::Digest;

use crate::error::BuildError;
use crate::progress::ProgressSink;
use crate::request::BuildRequest;
use crate::state::Engine;

/// What a build made.
#[derive(Debug, Clone)]
pub struct BuildOutcome {
    /// Number of this build in the history.
    pub build_id: i64,
    /// Digest of the image configuration: the image id.
    pub image_id: Digest,
    /// Digest of the image manifest, when an output or push made one.
    pub manifest_digest: Option<Digest>,
    /// The names it was given, normalised.
    pub names: Vec<String>,
    /// Every step, in plan order.
    pub steps: Vec<StepReport>,
    /// Wall-clock time of the whole build.
    pub duration: std::time::Duration,
}

/// How one step went, for `--metadata-file` and the summary.
#[derive(Debug, Clone)]
pub struct StepReport {
    /// `[build 2/4]`.
    pub label: String,
    /// The instruction.
    pub text: String,
    /// Cache key, `sha256:…`.
    pub key: String,
    /// Whether the cache had it.
    pub cached: bool,
    /// Why it was executed.
    pub why: Option<String>,
    /// How long it took.
    pub duration: std::time::Duration,
    /// Bytes that its snapshot added to the store.
    pub bytes: u64,
}

impl Engine {
    /// Builds. Blocks until done; `cancel` ends it with [`BuildError::Cancelled`].
    pub fn build(
        &self,
        request: &BuildRequest,
        progress: &dyn ProgressSink,
        cancel: &CancelToken,
    ) -> Result<BuildOutcome, BuildError> {
        todo!()
    }
}
