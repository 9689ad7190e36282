//! What a finished build leaves in files: `--iidfile` and `--metadata-file`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use iechor_engine::build::{BuildOutcome, StepReport};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::BuildArgs;
use crate::error::CliError;

/// The files that were asked for. Each appears by one rename, after success only.
#[derive(Debug)]
pub(super) struct Reports {
    iidfile: Option<PathBuf>,
    metadata: Option<PathBuf>,
}

impl Reports {
    /// What the command line asks for.
    pub(super) fn of(args: &BuildArgs) -> Self {
        Self {
            iidfile: args.iidfile.clone(),
            metadata: args.metadata_file.clone(),
        }
    }

    /// Removes what an earlier build wrote, so that a failed one leaves no id that is not its own.
    pub(super) fn remove_stale(&self) -> Result<(), CliError> {
        for path in [&self.iidfile, &self.metadata].into_iter().flatten() {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(cannot("replace", path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes them.
    pub(super) fn write(&self, outcome: &BuildOutcome) -> Result<(), CliError> {
        if let Some(path) = &self.iidfile {
            write_by_rename(path, outcome.image_id.to_string().as_bytes())?;
        }
        if let Some(path) = &self.metadata {
            write_by_rename(path, format!("{:#}\n", metadata(outcome)).as_bytes())?;
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
    metadata["buildx.build.ref"] = json!(outcome.build_id.to_string());
    metadata["iechor.cache"] = cache(&outcome.steps);
    metadata["iechor.steps"] = outcome.steps.iter().map(step).collect();
    metadata
}

fn cache(steps: &[StepReport]) -> Value {
    let hits = steps.iter().filter(|step| step.cached).count();
    json!({ "hits": hits, "misses": steps.len() - hits })
}

fn step(step: &StepReport) -> Value {
    json!({
        "step": step.label,
        "instruction": step.text,
        "key": step.key,
        "cached": step.cached,
        "why": step.reasons.first().map(ToString::to_string),
        "ms": u64::try_from(step.duration.as_millis()).unwrap_or(u64::MAX),
        "bytes": step.bytes,
    })
}

fn write_by_rename(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let write = || -> io::Result<()> {
        let mut file = NamedTempFile::new_in(directory)?;
        file.write_all(bytes)?;
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        file.as_file().set_permissions(readable)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(cannot("write", path))
}

fn cannot(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CliError {
    let path = path.to_owned();
    move |source| CliError::Io {
        action,
        path,
        source,
    }
}
