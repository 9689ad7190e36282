//! `iechor logs`.

use clap::Args;
use iechor_engine::{Engine, StepId, logs};

use crate::error::CliError;
use crate::session::Session;

/// Print what the steps of a build wrote, in full
#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// Number of the build [default: the last]
    #[arg(value_name = "BUILD")]
    build: Option<i64>,
    /// Number of a step, as `#7` in the progress [default: every executed one]
    #[arg(value_name = "STEP")]
    step: Option<usize>,
}

/// Prints one log, or all logs of a build under their titles.
pub(crate) fn run(args: &LogsArgs, session: &Session) -> Result<(), CliError> {
    let engine = session.engine()?;
    let build = args.build.map_or_else(|| last(&engine), Ok)?;
    match args.step {
        Some(0) => Err(CliError::usage("steps are counted from 1")),
        Some(number) => copy(&engine, build, StepId(number - 1), session),
        None => all(&engine, build, session),
    }
}

fn last(engine: &Engine) -> Result<i64, CliError> {
    logs::last_build(engine)?.ok_or_else(|| CliError::usage("no build has left a log yet"))
}

fn all(engine: &Engine, build: i64, session: &Session) -> Result<(), CliError> {
    for step in logs::steps(engine, build)? {
        session
            .ui
            .status(format_args!("#{} of build {build}:", step.0 + 1));
        copy(engine, build, step, session)?;
    }
    Ok(())
}

fn copy(engine: &Engine, build: i64, step: StepId, session: &Session) -> Result<(), CliError> {
    let mut log = logs::open(engine, build, step)?;
    session.ui.copy(&mut log)
}
