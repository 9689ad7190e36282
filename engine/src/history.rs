//! The builds that were made here, and how their steps went: `iechor history`.

use iechor_cachedb::{Build, BuildId, BuildStatus, BuildStep, CacheError, StepOutcome, UnixMillis};

use crate::logs::{self, Life};
use crate::path_error::PathError;
use crate::state::Engine;

/// A build.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BuildEntry {
    /// Its number: what `iechor logs` takes.
    pub id: i64,
    /// `running`, `succeeded`, `failed`, `cancelled`, or `killed` when its process ended before it.
    pub status: &'static str,
    /// The iEchorfile as the user named it.
    pub file: String,
    /// The context as the user named it.
    pub context: String,
    /// `--target`.
    pub target: Option<String>,
    /// The names that the image got.
    pub tags: Vec<String>,
    /// Id of the image that it made.
    pub image: Option<String>,
    /// When it began, seconds since the epoch.
    pub started: i64,
    /// Time taken in milliseconds; none as long as it runs.
    pub duration_ms: Option<u64>,
    /// How many steps were hits.
    pub hits: usize,
    /// How many were executed.
    pub misses: usize,
    /// How many failed.
    pub failed: usize,
    /// Bytes that the executed steps wrote.
    pub bytes: u64,
}

/// A step of a build.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StepEntry {
    /// Its number, as `#7` in the progress.
    pub number: u32,
    /// `[build 2/4]`.
    pub label: String,
    /// Name or index of its stage.
    pub stage: String,
    /// Index of its stage in the file.
    pub stage_index: u32,
    /// Its place in the stage; FROM is 0.
    pub position: u32,
    /// The other stages, by index, that its base or files are from.
    pub takes_from: Vec<u32>,
    /// The instruction.
    pub text: String,
    /// `iEchorfile:12`.
    pub place: String,
    /// `hit`, `miss`, `failed`, `cancelled` or `skipped`.
    pub outcome: &'static str,
    /// Why it missed or failed, in one line.
    pub reason: Option<String>,
    /// When it began, in milliseconds since the build did.
    pub begun_ms: u64,
    /// Time taken in milliseconds.
    pub duration_ms: u64,
    /// Time in milliseconds that its result took when it was made; none when that was pruned.
    pub made_in_ms: Option<u64>,
    /// Bytes that it wrote; 0 for a hit.
    pub bytes: u64,
    /// Cache key of its record, `sha256:…`; none when it has no result, or that was pruned.
    pub record: Option<String>,
    /// The snapshot after it, `sha256:…`; of a failed step what it left, if that was kept.
    pub snapshot: Option<String>,
    /// Its log, relative to the state directory.
    pub log: Option<String>,
}

/// Why the history could not be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// No build has this number.
    #[error("no build {0} in the history: it was never made, or is pruned")]
    NotFound(i64),
    /// The database could not be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The logs of a build could not be looked at.
    #[error(transparent)]
    File(#[from] PathError),
}

impl StepEntry {
    /// Whether it is what the progress labels `[build 2/4]`, named as `build:2`.
    pub(crate) fn is_at(&self, place: &str) -> bool {
        let Some((stage, Ok(number))) = place
            .rsplit_once(':')
            .map(|(stage, number)| (stage, number.parse::<u32>()))
        else {
            return false;
        };
        let of_stage = self.stage == stage || self.stage_index.to_string() == stage;
        of_stage && self.position.checked_add(1) == Some(number)
    }
}

/// The newest builds, newest first, `limit` at most.
///
/// # Errors
///
/// [`HistoryError::Cache`].
pub fn builds(engine: &Engine, limit: usize) -> Result<Vec<BuildEntry>, HistoryError> {
    let builds = engine.cache().builds(limit)?.into_iter();
    builds
        .map(|build| {
            let steps = steps_of(engine, build.id)?;
            build_entry(engine, build, &steps)
        })
        .collect()
}

/// One build.
///
/// # Errors
///
/// [`HistoryError::NotFound`]; [`HistoryError::Cache`].
pub fn build(engine: &Engine, number: i64) -> Result<BuildEntry, HistoryError> {
    let found = engine.cache().build(BuildId(number))?;
    let build = found.ok_or(HistoryError::NotFound(number))?;
    let steps = steps_of(engine, build.id)?;
    build_entry(engine, build, &steps)
}

/// The steps of a build, by number.
///
/// # Errors
///
/// [`HistoryError::NotFound`]; [`HistoryError::Cache`].
pub fn steps(engine: &Engine, build: i64) -> Result<Vec<StepEntry>, HistoryError> {
    let found = engine.cache().build(BuildId(build))?;
    steps_of(engine, found.ok_or(HistoryError::NotFound(build))?.id)
}

fn steps_of(engine: &Engine, build: BuildId) -> Result<Vec<StepEntry>, HistoryError> {
    let steps = engine.cache().steps(build)?.into_iter();
    let mut steps = steps
        .map(|step| step_entry(engine, step))
        .collect::<Result<Vec<_>, _>>()?;
    steps.sort_by_key(|step| step.number);
    Ok(steps)
}

/// Whether a build has not told its end, and never will.
pub(crate) fn is_killed(engine: &Engine, build: &Build) -> Result<bool, PathError> {
    Ok(build.status == BuildStatus::Running && logs::life(engine, build.id.0)? == Life::Ended)
}

fn build_entry(
    engine: &Engine,
    build: Build,
    steps: &[StepEntry],
) -> Result<BuildEntry, HistoryError> {
    let count = |outcome: StepOutcome| {
        let steps = steps.iter();
        steps.filter(|step| step.outcome == outcome.word()).count()
    };
    let status = match is_killed(engine, &build)? {
        true => "killed",
        false => build.status.word(),
    };
    Ok(BuildEntry {
        id: build.id.0,
        status,
        started: build.started.0.div_euclid(1000),
        duration_ms: build.finished.map(|end| between(build.started, end)),
        file: build.file,
        context: build.context,
        target: build.target,
        tags: build.tags,
        image: build.image.map(|image| image.to_string()),
        hits: count(StepOutcome::Hit),
        misses: count(StepOutcome::Miss),
        failed: count(StepOutcome::Failed),
        bytes: steps.iter().map(|step| step.bytes).sum(),
    })
}

/// Milliseconds; none when the clock went back.
fn between(start: UnixMillis, end: UnixMillis) -> u64 {
    u64::try_from(end.0.saturating_sub(start.0)).unwrap_or(0)
}

fn step_entry(engine: &Engine, step: BuildStep) -> Result<StepEntry, HistoryError> {
    let step = step.step;
    let record = step
        .record
        .map(|id| engine.cache().record(id))
        .transpose()?;
    let record = record.flatten();
    Ok(StepEntry {
        number: step.number,
        label: step.label,
        stage_index: step.place.stage_index,
        position: step.place.position,
        takes_from: step.takes_from,
        stage: step
            .place
            .stage_name
            .unwrap_or_else(|| step.place.stage_index.to_string()),
        place: format!("{}:{}", step.place.file, step.place.line),
        text: step.text,
        outcome: step.outcome.word(),
        reason: step.reason,
        begun_ms: step.begun_ms,
        duration_ms: step.duration_ms,
        made_in_ms: record.as_ref().map(|record| record.duration_ms),
        bytes: match (&record, step.outcome) {
            (Some(record), StepOutcome::Miss) => record.own_bytes,
            _ => 0,
        },
        record: record.map(|record| record.key.to_string()),
        snapshot: step.snapshot.map(|snapshot| snapshot.to_string()),
        log: step.log,
    })
}
