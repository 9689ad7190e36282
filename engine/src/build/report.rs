//! How a build went, whatever became of it.

use std::time::Duration;

use iechor_cachedb::{MissReason, StepOutcome};

use crate::error::BuildError;

/// How a build went.
#[derive(Debug, Clone, Default)]
pub struct BuildReport {
    /// Its number in the history; none when it came to no step.
    pub build_id: Option<i64>,
    /// Every step that came to an end, well or not, in the order of the plan.
    pub steps: Vec<StepReport>,
    /// When the image was put together and written; none when it did not come to that.
    pub export: Option<Span>,
    /// Bytes that outputs wrote: archives, directories, uploads.
    pub exported: u64,
    /// Wall-clock time of the whole build.
    pub duration: Duration,
}

/// A part of a build's time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// Time from the build's beginning to its own.
    pub begun: Duration,
    /// How long it took.
    pub took: Duration,
}

/// How one step went: for `--metadata-file`, `--explain`, `--trace` and the summary.
#[derive(Debug, Clone)]
pub struct StepReport {
    /// Its number as the progress shows it, counted from 1.
    pub number: usize,
    /// `[build 2/4]`.
    pub label: String,
    /// Name or index of its stage.
    pub stage: String,
    /// The instruction.
    pub text: String,
    /// Cache key, `sha256:…`; none when it failed before it had one.
    pub key: Option<String>,
    /// How it went.
    pub outcome: StepOutcome,
    /// Why it was executed, the most telling reason first; empty for a hit.
    pub reasons: Vec<MissReason>,
    /// When, and how long.
    pub span: Span,
    /// Bytes that its snapshot added to the store.
    pub bytes: u64,
}

impl StepReport {
    /// Whether the cache had it.
    pub fn is_cached(&self) -> bool {
        self.outcome == StepOutcome::Hit
    }
}

impl BuildReport {
    /// Bytes that the executed steps added to the store.
    pub fn stored(&self) -> u64 {
        self.steps.iter().map(|step| step.bytes).sum()
    }
}

/// A build that made no image.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct FailedBuild {
    /// What went wrong.
    pub error: BuildError,
    /// How it went until then.
    pub report: BuildReport,
}

/// A build that came to no step.
impl From<BuildError> for Box<FailedBuild> {
    fn from(error: BuildError) -> Self {
        Self::new(FailedBuild {
            error,
            report: BuildReport::default(),
        })
    }
}
