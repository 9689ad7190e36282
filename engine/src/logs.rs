//! Full logs of executed steps: `<root>/logs/<build>/<step>.log`.

use std::fs::File;
use std::path::PathBuf;

use crate::progress::StepId;
use crate::state::Engine;

/// Why a log could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {}

/// Where the log of a step is, or would be.
pub fn path(engine: &Engine, build: i64, step: StepId) -> PathBuf {
    engine.root().join("logs").join(build.to_string()).join(format!("{}.log", step.0))
}

/// Starts the log of a step.
pub fn create(engine: &Engine, build: i64, step: StepId) -> Result<File, LogError> {
    todo!()
}

/// Opens the log of a step for reading.
pub fn open(engine: &Engine, build: i64, step: StepId) -> Result<File, LogError> {
    todo!()
}

/// The steps of a build that have a log, in order: those that were executed.
pub fn steps(engine: &Engine, build: i64) -> Result<Vec<StepId>, LogError> {
    todo!()
}
