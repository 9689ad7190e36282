//! The build in the history: its steps, its logs, the records that it made and used.
//!
//! A build of hits alone is written in one transaction at its end, without waiting for the disk.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use iechor_cachedb::{
    BuildId, BuildStatus, MissReason, NewBuild, NewStep, Record, RecordId, StepOutcome, UnixMillis,
};
use iechor_snapshotter::Digest;

use super::load::LoadedFile;
use super::report::{BuildReport, Span, StepReport};
use super::session::lock;
use super::stage::StageState;
use super::step::{Attempted, Step, first_line};
use crate::error::StepError;
use crate::logs::{self, Alive};
use crate::op::run::Surroundings;
use crate::progress::StepId;
use crate::request::{BuildRequest, ContextSource};
use crate::state::Engine;

/// What is known of the build so far.
pub(crate) struct History<'a> {
    engine: &'a Engine,
    build: NewBuild,
    /// Given when the first step is executed: its log is under that number.
    id: OnceLock<(BuildId, Alive)>,
    begun: Instant,
    noted: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    steps: Vec<NewStep>,
    reports: BTreeMap<StepId, StepReport>,
    export: Option<Span>,
    exported: u64,
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
            begun: Instant::now(),
            noted: Mutex::default(),
        }
    }

    /// The build's number, given now if it has none.
    fn id(&self) -> Result<BuildId, StepError> {
        if let Some((id, _)) = self.id.get() {
            return Ok(*id);
        }
        // Two steps may come here at once; the lock makes the second one see the first one's number.
        let _noted = lock(&self.noted);
        if let Some((id, _)) = self.id.get() {
            return Ok(*id);
        }
        let id = self.engine.cache().begin_build(&self.build)?;
        let alive = logs::begin(self.engine, id.0)?;
        Ok(self.id.get_or_init(|| (id, alive)).0)
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
        let (BuildId(id), _) = *self.id.get()?;
        Some(logs::path(self.engine, id, step.id)).filter(|path| path.exists())
    }

    pub(crate) fn made(&self, record: RecordId) {
        lock(&self.noted).made.push(record);
    }

    /// Notes a step that ended well.
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
            key: Some(record.key.to_string()),
            reasons: reasons.to_vec(),
            bytes: match outcome {
                StepOutcome::Hit => 0,
                _ => record.own_bytes,
            },
            ..self.report_of(step, outcome, took)
        };
        let entry = NewStep {
            record: Some(record.id),
            snapshot: record.snapshot,
            reason: first_of(reasons),
            ..self.entry_of(step, parent, &report)
        };
        let mut noted = lock(&self.noted);
        if outcome == StepOutcome::Hit {
            noted.used.push(record.id);
        }
        noted.push(step.id, report, entry);
    }

    /// Notes a FROM that goes on where another stage ended: no lookup, and no use of a record.
    pub(crate) fn note_continuation(&self, step: &Step<'_>, state: &StageState) {
        let report = StepReport {
            key: state.key.map(|key| key.to_string()),
            ..self.report_of(step, StepOutcome::Hit, Duration::ZERO)
        };
        let entry = NewStep {
            record: state.record,
            snapshot: state.tip(),
            ..self.entry_of(step, None, &report)
        };
        lock(&self.noted).push(step.id, report, entry);
    }

    /// Notes a step that failed; what has been said of it already stands.
    pub(crate) fn note_failure(
        &self,
        step: &Step<'_>,
        parent: Option<RecordId>,
        attempted: Option<Attempted<'_>>,
        error: &StepError,
    ) {
        let outcome = match error.is_cancelled() {
            true => StepOutcome::Cancelled,
            false => StepOutcome::Failed,
        };
        let took = attempted.as_ref().map(|attempted| attempted.took);
        let report = self.report_of(step, outcome, took.unwrap_or_default());
        let report = match attempted {
            Some(attempted) => StepReport {
                key: Some(attempted.key.to_string()),
                reasons: attempted.reasons.to_vec(),
                ..report
            },
            None => report,
        };
        let entry = NewStep {
            snapshot: error.state_left(),
            setup: error
                .run_failure()
                .and_then(|failure| failure.setup.clone()),
            reason: Some(with_miss(error.one_line(), &report.reasons)),
            ..self.entry_of(step, parent, &report)
        };
        lock(&self.noted).push(step.id, report, entry);
    }

    /// Notes when the image was put together, and what outputs wrote.
    pub(crate) fn exported(&self, span: Span, bytes: u64) {
        let mut noted = lock(&self.noted);
        noted.export = Some(span);
        noted.exported = bytes;
    }

    /// Begins to measure a part of the build.
    pub(crate) fn clock(&self) -> SpanClock {
        SpanClock {
            begun: self.begun.elapsed(),
            started: Instant::now(),
        }
    }

    /// A step that ended now.
    fn report_of(&self, step: &Step<'_>, outcome: StepOutcome, took: Duration) -> StepReport {
        let place = &step.place;
        let index = || place.stage_index.to_string();
        StepReport {
            number: step.id.0 + 1,
            label: step.label.clone(),
            stage: place.stage_name.clone().unwrap_or_else(index),
            text: first_line(&step.statement.original),
            key: None,
            outcome,
            reasons: Vec::new(),
            span: Span {
                begun: self.begun.elapsed().saturating_sub(took),
                took,
            },
            bytes: 0,
        }
    }

    fn entry_of(&self, step: &Step<'_>, parent: Option<RecordId>, report: &StepReport) -> NewStep {
        let log = self.log_path(step);
        let relative = log
            .as_deref()
            .and_then(|path| path.strip_prefix(self.engine.root()).ok());
        NewStep {
            ordinal: 0,
            number: u32::try_from(report.number).unwrap_or(u32::MAX),
            label: report.label.clone(),
            place: step.place.clone(),
            takes_from: step.takes_from.clone(),
            text: report.text.clone(),
            record: None,
            parent,
            snapshot: None,
            outcome: report.outcome,
            reason: None,
            begun_ms: millis(report.span.begun),
            duration_ms: millis(report.span.took),
            log: relative.map(|path| path.display().to_string()),
            setup: None,
            surroundings: step.surroundings.as_ref().and_then(Surroundings::to_json),
        }
    }

    /// How the build went, but for its number.
    pub(crate) fn report(&self) -> BuildReport {
        let noted = lock(&self.noted);
        BuildReport {
            build_id: None,
            steps: noted.reports.values().cloned().collect(),
            export: noted.export,
            exported: noted.exported,
            duration: self.begun.elapsed(),
        }
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
        let Some(&(id, _)) = self.id.get() else {
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

/// Why a step failed, and why it was executed at all.
fn with_miss(failure: String, reasons: &[MissReason]) -> String {
    match reasons.first() {
        Some(reason) => format!("{failure} (miss: {reason})"),
        None => failure,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Noted {
    fn push(&mut self, id: StepId, report: StepReport, step: NewStep) {
        let Entry::Vacant(place) = self.reports.entry(id) else {
            return;
        };
        place.insert(report);
        let ordinal = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        self.steps.push(NewStep { ordinal, ..step });
    }
}

/// Measures a part of a build.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SpanClock {
    begun: Duration,
    started: Instant,
}

impl SpanClock {
    /// The part, which ends now.
    pub(crate) fn stop(self) -> Span {
        Span {
            begun: self.begun,
            took: self.started.elapsed(),
        }
    }
}
