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
    build: Option<String>,
    /// A step by number (`7`, as `#7` in the progress) or label (`build:2`); a label may stand alone
    /// [default: every executed one]
    #[arg(value_name = "STEP")]
    step: Option<String>,
}

/// Prints one log, or all logs of a build under their titles.
pub(crate) fn run(args: &LogsArgs, session: &Session) -> Result<(), CliError> {
    let engine = session.engine()?;
    let (build, step) = asked(args)?;
    let build = build.map_or_else(|| last(&engine), Ok)?;
    match step {
        Some(name) => copy(&engine, build, logs::step(&engine, build, name)?, session),
        None => all(&engine, build, session),
    }
}

/// The build and the step, either of which may be left out.
fn asked(args: &LogsArgs) -> Result<(Option<i64>, Option<&str>), CliError> {
    match (args.build.as_deref(), args.step.as_deref()) {
        (None, step) => Ok((None, step)),
        (Some(label), None) if label.contains(':') => Ok((None, Some(label))),
        (Some(build), step) => match build.parse() {
            Ok(build) => Ok((Some(build), step)),
            Err(_) => Err(CliError::usage_with_hint(
                format!("{build:?} is no number of a build"),
                "`iechor history` lists the builds; a step is named as `iechor logs 3 7`, `iechor \
                 logs 3 build:2` or `iechor logs build:2`",
            )),
        },
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
