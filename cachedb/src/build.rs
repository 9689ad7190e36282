//! The history of builds and what became of each step: `log` writes it, `history` reads it.

use iechor_snapshotter::{Digest, SnapshotId};

use crate::record::{Place, RecordId};
use crate::time::UnixMillis;

mod history;
mod log;

/// Number of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BuildId(pub i64);

/// Number of a step of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepId(pub i64);

/// How a build stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BuildStatus {
    /// Not finished; or its process died.
    Running,
    /// Good.
    Succeeded,
    /// A step failed.
    Failed,
    /// The user interrupted it.
    Cancelled,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepOutcome {
    /// A cached result was used.
    Hit,
    /// It was executed.
    Miss,
    /// It was executed and failed.
    Failed,
    /// It was interrupted.
    Cancelled,
    /// It was never begun, for an earlier one failed.
    Skipped,
}

/// A build that begins.
#[derive(Clone, Debug)]
pub struct NewBuild {
    /// Now.
    pub started: UnixMillis,
    /// The iEchorfile as the user named it.
    pub file: String,
    /// The context as the user named it.
    pub context: String,
    /// `--target`.
    pub target: Option<String>,
    /// The names that the image is to get.
    pub tags: Vec<String>,
}

/// A build of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Its number.
    pub id: BuildId,
    /// When it began.
    pub started: UnixMillis,
    /// When it ended.
    pub finished: Option<UnixMillis>,
    /// The iEchorfile as the user named it.
    pub file: String,
    /// The context as the user named it.
    pub context: String,
    /// `--target`.
    pub target: Option<String>,
    /// How it stands.
    pub status: BuildStatus,
    /// The names that the image got.
    pub tags: Vec<String>,
    /// Id of the image it made.
    pub image: Option<Digest>,
}

/// A step to be written to the history.
#[derive(Clone, Debug)]
pub struct NewStep {
    /// Order in which the steps of the build came to an end, from 0; unique in the build.
    pub ordinal: u32,
    /// Number as the progress shows it, from 1.
    pub number: u32,
    /// `[build 2/4]`, as the progress shows it.
    pub label: String,
    /// Where the instruction stands.
    pub place: Place,
    /// The other stages, by index, that its base or files are from.
    pub takes_from: Vec<u32>,
    /// The instruction as people read it.
    pub text: String,
    /// The record that was used or made.
    pub record: Option<RecordId>,
    /// The record that the step ran on.
    pub parent: Option<RecordId>,
    /// The result; of a failed step, the state it was left in, if that was kept.
    pub snapshot: Option<SnapshotId>,
    /// How it went.
    pub outcome: StepOutcome,
    /// Why it missed or failed, in one line.
    pub reason: Option<String>,
    /// When it began, in milliseconds since the build did.
    pub begun_ms: u64,
    /// Time taken, in milliseconds.
    pub duration_ms: u64,
    /// Its log, relative to the state directory.
    pub log: Option<String>,
    /// Of a command that failed, what it was run with: JSON, never a secret's value.
    pub setup: Option<String>,
    /// What a command after it gets besides the configuration, where the step changes that: JSON,
    /// never a secret's value.
    pub surroundings: Option<String>,
}

/// A step of the history.
#[derive(Clone, Debug)]
pub struct BuildStep {
    /// Its number.
    pub id: StepId,
    /// Its build.
    pub build: BuildId,
    /// What happened.
    pub step: NewStep,
    /// When its record was pruned, if it was.
    pub pruned: Option<UnixMillis>,
}

impl BuildStatus {
    const ALL: [Self; 4] = [
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The word for it, in the database and in listings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }
}

impl StepOutcome {
    const ALL: [Self; 5] = [
        Self::Hit,
        Self::Miss,
        Self::Failed,
        Self::Cancelled,
        Self::Skipped,
    ];

    /// The word for it, in the database and in listings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }
}
