//! What a build leaves in files: `--iidfile`, `--metadata-file` and `--trace`.

use std::path::PathBuf;

use iechor_engine::build::{BuildOutcome, BuildReport, StepReport};
use serde_json::{Value, json};

use super::{BuildArgs, trace};
use crate::error::CliError;
use crate::out_file;

/// The files that were asked for. Each appears by one rename; those that speak of the image after
/// success only.
#[derive(Debug)]
pub(super) struct Reports {
    iidfile: Option<PathBuf>,
    metadata: Option<PathBuf>,
    trace: Option<PathBuf>,
}

impl Reports {
    /// What the command line asks for.
    pub(super) fn of(args: &BuildArgs) -> Self {
        Self {
            iidfile: args.iidfile.clone(),
            metadata: args.metadata_file.clone(),
            trace: args.trace.clone(),
        }
    }

    /// Removes what an earlier build wrote, so that a failed one leaves no id that is not its own.
    pub(super) fn remove_stale(&self) -> Result<(), CliError> {
        let files = [&self.iidfile, &self.metadata, &self.trace];
        let mut files = files.into_iter().flatten();
        files.try_for_each(|path| out_file::remove_stale(path))
    }

    /// Writes what tells of the build whatever became of it.
    pub(super) fn write_trace(&self, report: &BuildReport) -> Result<(), CliError> {
        let trace = self.trace.as_ref();
        trace.map_or(Ok(()), |path| trace::write(path, report))
    }

    /// Writes what tells of the image.
    pub(super) fn write(&self, outcome: &BuildOutcome) -> Result<(), CliError> {
        if let Some(path) = &self.iidfile {
            out_file::write(path, outcome.image_id.to_string().as_bytes())?;
        }
        if let Some(path) = &self.metadata {
            out_file::write(path, format!("{:#}\n", metadata(outcome)).as_bytes())?;
        }
        Ok(())
    }
}

/// The line that ends a build: what was made, under which names.
pub(super) fn built(outcome: &BuildOutcome) -> String {
    match outcome.names.as_slice() {
        [] => format!("built {}", outcome.image_id),
        names => format!("built {} as {}", outcome.image_id, names.join(", ")),
    }
}

/// The keys that scripts know from buildx, and our own.
fn metadata(outcome: &BuildOutcome) -> Value {
    let mut metadata = json!(outcome.metadata);
    metadata["buildx.build.ref"] = json!(outcome.report.build_id.map(|id| id.to_string()));
    metadata["iechor.cache"] = cache(&outcome.report.steps);
    metadata["iechor.steps"] = outcome.report.steps.iter().map(step).collect();
    metadata
}

fn cache(steps: &[StepReport]) -> Value {
    let hits = steps.iter().filter(|step| step.is_cached()).count();
    json!({ "hits": hits, "misses": steps.len() - hits })
}

fn step(step: &StepReport) -> Value {
    json!({
        "step": step.label,
        "instruction": step.text,
        "key": step.key,
        "cached": step.is_cached(),
        "why": step.reasons.first().map(ToString::to_string),
        "ms": u64::try_from(step.span.took.as_millis()).unwrap_or(u64::MAX),
        "bytes": step.bytes,
    })
}
