//! Full logs of executed steps: `<root>/logs/<build>/<step>.log`, with the step's number as the
//! progress shows it.
//!
//! A step that was a hit has none. The logs of a build go when it is pruned from the history.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::disk;
use crate::history::{self, HistoryError, StepEntry};
use crate::path_error::{AtPath, PathError};
use crate::progress::StepId;
use crate::state::Engine;

/// Why a log could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// A file or directory did not do what was asked.
    #[error(transparent)]
    File(#[from] PathError),
    /// The build is unknown, pruned, or all of its steps were hits.
    #[error("build {0} has no logs: they are pruned, or every step of it was cached")]
    NoLogs(i64),
    /// The step was not executed in that build.
    #[error("step {step} of build {build} has no log: only executed steps do")]
    NoLog {
        /// Number of the build.
        build: i64,
        /// Number of the step, from 1.
        step: usize,
    },
    /// The build has no such step.
    #[error("build {build} has no step {name}: its last is {last}")]
    NoStep {
        /// Number of the build.
        build: i64,
        /// What was asked for.
        name: String,
        /// The highest number of a step that ended or failed in it; 0 when there is none.
        last: u32,
    },
    /// The history does not know the build.
    #[error(transparent)]
    History(#[from] HistoryError),
}

/// The directory of all logs.
pub(crate) fn directory(engine: &Engine) -> PathBuf {
    engine.root().join("logs")
}

/// The directory of one build's logs.
pub(crate) fn of_build(engine: &Engine, build: i64) -> PathBuf {
    directory(engine).join(build.to_string())
}

/// Where the log of a step is, or would be.
pub fn path(engine: &Engine, build: i64, step: StepId) -> PathBuf {
    of_build(engine, build).join(format!("{}.log", step.0 + 1))
}

/// How the name of a directory begins that is to become that of a build's logs.
const UNNAMED: &str = ".begins-";

/// Nothing but system calls lie between making such a directory and naming it.
const NAMED_WITHIN: Duration = Duration::from_secs(60);

/// Says that a build is alive as long as this is: a lock on the directory of its logs, which ends
/// with the process whatever ends it.
#[derive(Debug)]
pub(crate) struct Alive {
    _dir: File,
}

/// What the directory of a build's logs says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// Its process runs, or has not come to make the directory yet.
    Alive,
    /// Its process has ended.
    Ended,
}

/// Makes the directory of a build's logs. It is locked before it has its name, so that nobody finds
/// it unlocked while the build is alive.
pub(crate) fn begin(engine: &Engine, build: i64) -> Result<Alive, PathError> {
    let home = directory(engine);
    fs::create_dir_all(&home).at("make directory", &home)?;
    let made = tempfile::Builder::new()
        .prefix(UNNAMED)
        .tempdir_in(&home)
        .at("make a directory in", &home)?;
    let dir = File::open(made.path()).at("open", made.path())?;
    dir.lock_shared().at("lock", made.path())?;
    let named = of_build(engine, build);
    clear(&named)?;
    fs::rename(made.keep(), &named).at("make directory", &named)?;
    Ok(Alive { _dir: dir })
}

/// Removes what builds left that were killed before they gave it a name. For a prune: a build has
/// better things to do than to look at what lies there of all builds before it.
pub(crate) fn sweep(engine: &Engine) -> Result<(), PathError> {
    let now = SystemTime::now();
    for (path, metadata) in disk::entries(&directory(engine))? {
        let is_unnamed = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(UNNAMED));
        let age = metadata
            .modified()
            .ok()
            .and_then(|made| now.duration_since(made).ok());
        if is_unnamed && age.is_some_and(|age| age > NAMED_WITHIN) {
            clear(&path)?;
        }
    }
    Ok(())
}

/// Removes the logs of a build that had the same number in an index that is lost.
fn clear(dir: &Path) -> Result<(), PathError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.at("remove", dir),
    }
}

/// Whether the process of a build that has not told its end still runs.
pub(crate) fn life(engine: &Engine, build: i64) -> Result<Life, PathError> {
    let path = of_build(engine, build);
    let dir = match File::open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Life::Alive),
        opened => opened.at("open", &path)?,
    };
    match dir.try_lock() {
        Ok(()) => Ok(Life::Ended),
        Err(TryLockError::WouldBlock) => Ok(Life::Alive),
        Err(TryLockError::Error(error)) => Err(error).at("lock", &path),
    }
}

/// Starts the log of a step, empty whatever was there. The build has made the directory of its logs.
///
/// # Errors
///
/// [`LogError::File`].
pub fn create(engine: &Engine, build: i64, step: StepId) -> Result<File, LogError> {
    let path = path(engine, build, step);
    Ok(File::create(&path).at("create", &path)?)
}

/// Opens the log of a step for reading.
///
/// # Errors
///
/// [`LogError::NoLog`] when the step was not executed; [`LogError::File`].
pub fn open(engine: &Engine, build: i64, step: StepId) -> Result<File, LogError> {
    let path = path(engine, build, step);
    match File::open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Err(LogError::NoLog {
            build,
            step: step.0 + 1,
        }),
        opened => Ok(opened.at("open", &path)?),
    }
}

/// The step of a build that is named by its number, `7`, or its place, `build:2`.
///
/// # Errors
///
/// [`LogError::NoStep`], [`LogError::History`].
pub fn step(engine: &Engine, build: i64, name: &str) -> Result<StepId, LogError> {
    let steps = history::steps(engine, build)?;
    let number: Option<u32> = name.parse().ok();
    // A build that runs has no step in the history yet.
    let known = number.filter(|_| steps.is_empty());
    let is_meant = |step: &&StepEntry| Some(step.number) == number || step.is_at(name);
    let found = known.or_else(|| steps.iter().find(is_meant).map(|step| step.number));
    let id = found.and_then(|number| (number as usize).checked_sub(1));
    id.map(StepId).ok_or_else(|| LogError::NoStep {
        build,
        name: name.to_owned(),
        last: steps.last().map_or(0, |step| step.number),
    })
}

/// The steps of a build that have a log, in order: those that were executed.
///
/// # Errors
///
/// [`LogError::NoLogs`] when there is none; [`LogError::File`].
pub fn steps(engine: &Engine, build: i64) -> Result<Vec<StepId>, LogError> {
    let dir = of_build(engine, build);
    let entries = match fs::read_dir(&dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(LogError::NoLogs(build)),
        entries => entries.at("list", &dir)?,
    };
    let mut steps = Vec::new();
    for entry in entries {
        steps.extend(step_of(Path::new(&entry.at("list", &dir)?.file_name())));
    }
    steps.sort_unstable();
    Ok(steps)
}

/// The last build that left a log; none when no build has.
///
/// # Errors
///
/// [`LogError::File`].
pub fn last_build(engine: &Engine) -> Result<Option<i64>, LogError> {
    let dir = directory(engine);
    let entries = match fs::read_dir(&dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        entries => entries.at("list", &dir)?,
    };
    let mut last = None;
    for entry in entries {
        let name = entry.at("list", &dir)?.file_name();
        last = last.max(name.to_str().and_then(|name| name.parse().ok()));
    }
    Ok(last)
}

fn step_of(file: &Path) -> Option<StepId> {
    let ordinal = file
        .file_stem()
        .filter(|_| file.extension() == Some(OsStr::new("log")))?;
    let number: usize = ordinal.to_str()?.parse().ok()?;
    number.checked_sub(1).map(StepId)
}
