//! The build in the history: its steps, its logs, the records that it made and used.
//!
//! A build of hits alone is written in one transaction at its end, without waiting for the disk.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use iechor_cachedb::{
    BuildId, BuildStatus, MissReason, NewBuild, NewStep, Record, RecordId, StepOutcome, UnixMillis,
};
use iechor_snapshotter::Digest;

use super::load::LoadedFile;
use super::session::lock;
use super::step::{Step, first_line};
use crate::build::StepReport;
use crate::error::StepError;
use crate::logs;
use crate::request::{BuildRequest, ContextSource};
use crate::state::Engine;

/// What is known of the build so far.
pub(crate) struct History<'a> {
    engine: &'a Engine,
    build: NewBuild,
    /// Given when the first step is executed: its log is under that number.
    id: OnceLock<BuildId>,
    noted: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    steps: Vec<NewStep>,
    reports: Vec<(usize, StepReport)>,
    made: Vec<RecordId>,
    used: Vec<RecordId>,
}

impl<'a> History<'a> {
    pub(crate) fn new(
        engine: &'a Engine,
        request: &BuildRequest,
        file: &LoadedFile,
        now: UnixMillis,
    ) -> Self {
        let context = match &request.context {
            ContextSource::Directory(dir) => dir.display().to_string(),
            ContextSource::Empty => "-".to_owned(),
        };
        let build = NewBuild {
            started: now,
            file: file.identity.clone(),
            context,
            target: request.target.clone(),
            tags: request.tags.clone(),
        };
        Self {
            engine,
            build,
            id: OnceLock::new(),
            noted: Mutex::default(),
        }
    }

    /// The build's number, given now if it has none.
    fn id(&self) -> Result<BuildId, StepError> {
        if let Some(id) = self.id.get() {
            return Ok(*id);
        }
        // Two steps may come here at once; the lock makes the second one see the first one's number.
        let _noted = lock(&self.noted);
        if let Some(id) = self.id.get() {
            return Ok(*id);
        }
        let id = self.engine.cache().begin_build(&self.build)?;
        Ok(*self.id.get_or_init(|| id))
    }

    /// Starts the log of a step.
    pub(crate) fn create_log(&self, step: &Step<'_>) -> Result<(File, PathBuf), StepError> {
        let BuildId(id) = self.id()?;
        Ok((
            logs::create(self.engine, id, step.id)?,
            logs::path(self.engine, id, step.id),
        ))
    }

    /// Where the log of an executed step is.
    pub(crate) fn log_path(&self, step: &Step<'_>) -> Option<PathBuf> {
        let BuildId(id) = *self.id.get()?;
        Some(logs::path(self.engine, id, step.id)).filter(|path| path.exists())
    }

    pub(crate) fn made(&self, record: RecordId) {
        lock(&self.noted).made.push(record);
    }

    pub(crate) fn note(
        &self,
        step: &Step<'_>,
        record: &Record,
        parent: Option<RecordId>,
        outcome: StepOutcome,
        reasons: &[MissReason],
        took: Duration,
    ) {
        let report = StepReport {
            label: step.label.clone(),
            text: first_line(&step.statement.original),
            key: record.key.to_string(),
            cached: outcome == StepOutcome::Hit,
            reasons: reasons.to_vec(),
            duration: took,
            bytes: if outcome == StepOutcome::Hit {
                0
            } else {
                record.own_bytes
            },
        };
        let entry = NewStep {
            record: Some(record.id),
            snapshot: record.snapshot,
            ..self.step(step, parent, outcome, first_of(reasons), took)
        };
        let mut noted = lock(&self.noted);
        noted.reports.push((step.id.0, report));
        if outcome == StepOutcome::Hit {
            noted.used.push(record.id);
        }
        noted.push(entry);
    }

    pub(crate) fn note_failure(
        &self,
        step: &Step<'_>,
        parent: Option<RecordId>,
        outcome: StepOutcome,
        error: &StepError,
        took: Duration,
    ) {
        let reason = Some(error.one_line());
        let entry = NewStep {
            snapshot: error.state_left(),
            ..self.step(step, parent, outcome, reason, took)
        };
        lock(&self.noted).push(entry);
    }

    fn step(
        &self,
        step: &Step<'_>,
        parent: Option<RecordId>,
        outcome: StepOutcome,
        reason: Option<String>,
        took: Duration,
    ) -> NewStep {
        let log = self.log_path(step);
        let relative = log
            .as_deref()
            .and_then(|path| path.strip_prefix(self.engine.root()).ok());
        NewStep {
            ordinal: 0,
            number: u32::try_from(step.id.0 + 1).unwrap_or(u32::MAX),
            place: step.place.clone(),
            text: first_line(&step.statement.original),
            record: None,
            parent,
            snapshot: None,
            outcome,
            reason,
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            log: relative.map(|path| path.display().to_string()),
        }
    }

    /// Every step that ended well, in the order of the plan.
    pub(crate) fn reports(&self) -> Vec<StepReport> {
        let mut reports = lock(&self.noted).reports.clone();
        reports.sort_by_key(|(number, _)| *number);
        reports.into_iter().map(|(_, report)| report).collect()
    }

    /// Makes what this build recorded durable: blobs, indexes and rows (docs/store-format.md).
    pub(crate) fn make_durable(&self) -> Result<(), StepError> {
        let made = std::mem::take(&mut lock(&self.noted).made);
        if made.is_empty() {
            return Ok(());
        }
        self.engine.store().sync()?;
        Ok(self.engine.cache().mark_durable(&made)?)
    }

    /// Writes the build into the history.
    pub(crate) fn close(
        &self,
        status: BuildStatus,
        image: Option<&Digest>,
        now: UnixMillis,
    ) -> Result<BuildId, StepError> {
        let noted = lock(&self.noted);
        let cache = self.engine.cache();
        cache.touch(&noted.used, now)?;
        let Some(&id) = self.id.get() else {
            return Ok(cache.log_build(&self.build, &noted.steps, status, image, now)?);
        };
        cache.add_steps(id, &noted.steps)?;
        cache.finish_build(id, status, image, now)?;
        Ok(id)
    }
}

/// The most telling reason, on one line.
fn first_of(reasons: &[MissReason]) -> Option<String> {
    reasons.first().map(MissReason::to_string)
}

impl Noted {
    fn push(&mut self, step: NewStep) {
        let ordinal = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        self.steps.push(NewStep { ordinal, ..step });
    }
}
