//! The history of builds and what became of each step.

use iechor_snapshotter::{Digest, SnapshotId};

use crate::db::CacheDb;
use crate::error::CacheError;
use crate::record::{Place, RecordId};
use crate::time::UnixMillis;

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
    /// Where the instruction stands.
    pub place: Place,
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
    /// Time taken, in milliseconds.
    pub duration_ms: u64,
    /// Its log, relative to the state directory.
    pub log: Option<String>,
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
}

impl CacheDb {
    /// Writes that a build began.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn begin_build(&self, build: &NewBuild) -> Result<BuildId, CacheError> {
        let _ = build;
        todo!()
    }

    /// Writes steps of a build; a batch costs as much as one.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn add_steps(&self, build: BuildId, steps: &[NewStep]) -> Result<(), CacheError> {
        let _ = (build, steps);
        todo!()
    }

    /// Writes that a build ended.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn finish_build(
        &self,
        build: BuildId,
        status: BuildStatus,
        image: Option<&Digest>,
        now: UnixMillis,
    ) -> Result<(), CacheError> {
        let _ = (build, status, image, now);
        todo!()
    }

    /// Writes a whole build that has ended, in one transaction that a power cut may lose: for a
    /// build of nothing but hits, together with [`CacheDb::touch`]'s counts.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn log_build(
        &self,
        build: &NewBuild,
        steps: &[NewStep],
        status: BuildStatus,
        image: Option<&Digest>,
        now: UnixMillis,
    ) -> Result<BuildId, CacheError> {
        let _ = (build, steps, status, image, now);
        todo!()
    }

    /// The newest build.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn last_build(&self) -> Result<Option<Build>, CacheError> {
        todo!()
    }

    /// The build of this number.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn build(&self, id: BuildId) -> Result<Option<Build>, CacheError> {
        let _ = id;
        todo!()
    }

    /// All builds, newest first, `limit` at most.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn builds(&self, limit: usize) -> Result<Vec<Build>, CacheError> {
        let _ = limit;
        todo!()
    }

    /// The steps of a build in order.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn steps(&self, build: BuildId) -> Result<Vec<BuildStep>, CacheError> {
        let _ = build;
        todo!()
    }

    /// The last step with a result of a stage, by name or index, of the newest build that has it.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn last_step_of_stage(&self, stage: &str) -> Result<Option<BuildStep>, CacheError> {
        let _ = stage;
        todo!()
    }

    /// The step of this number of the newest build.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn step_by_number(&self, number: u32) -> Result<Option<BuildStep>, CacheError> {
        let _ = number;
        todo!()
    }

    /// Failed steps whose state was kept, newest first.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn failed_steps(&self) -> Result<Vec<BuildStep>, CacheError> {
        todo!()
    }

    /// Forgets the state that a failed step was left in; its row stays in the history.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn forget_failed_state(&self, step: StepId) -> Result<(), CacheError> {
        let _ = step;
        todo!()
    }

    /// Deletes a build and its steps. `false`: no such build.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn delete_build(&self, id: BuildId) -> Result<bool, CacheError> {
        let _ = id;
        todo!()
    }
}
