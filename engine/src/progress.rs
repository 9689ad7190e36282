//! What a build tells while it runs: data, not text. The command line draws it.

use std::time::Duration;

use iechor_executor::Stream;

/// Number of a step within one build, counted from 0 in the order of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepId(pub usize);

/// What is known of a step before it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepInfo {
    /// Its number.
    pub id: StepId,
    /// `[build 2/4]`, or `[2/4]` when the file has one unnamed stage, or `[internal]`, `[export]`.
    pub label: String,
    /// The instruction on one line, as the user wrote it.
    pub text: String,
    /// Line in the file where it begins, counted from 1; none for internal steps.
    pub line: Option<u32>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A step became known; told in order of ids, before anything else of that step.
    Planned(StepInfo),
    /// Work on it began.
    Started(StepId),
    /// The cache had its result: nothing is executed. Finished.
    Hit(StepId),
    /// It is executed, for this reason (rule C20), one line.
    Miss(StepId, String),
    /// The command wrote output.
    Log(StepId, Stream, Vec<u8>),
    /// Bytes moved: pull, push, context, export.
    Transfer {
        /// During which step.
        step: StepId,
        /// What: `sha256:9f2c… layer`, `exporting layers`.
        what: String,
        /// Bytes so far.
        current: u64,
        /// Bytes in all, when known.
        total: Option<u64>,
    },
    /// It ended well.
    Finished(StepId, Duration),
    /// It failed; the message is one line, the whole story is in the build's error.
    Failed(StepId, String),
    /// It was ended by the user.
    Cancelled(StepId),
    /// Something that the user should know but that stops nothing, rendered and ready to print.
    Warning(String),
}

/// Receives events, from several threads at once.
pub trait ProgressSink: Send + Sync {
    /// Takes one event.
    fn event(&self, event: Event);
}

/// Ignores everything.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl ProgressSink for Silent {
    fn event(&self, _: Event) {}
}
