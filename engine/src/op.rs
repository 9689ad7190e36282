//! What a step that missed does: one kind of operation a file.

pub(crate) mod copy;
pub(crate) mod run;
mod workdir;

use std::path::PathBuf;

use iechor_snapshotter::Chain;

use crate::build::session::Session;
use crate::build::step::Step;
use crate::error::StepError;
use copy::CopyOperation;
use run::RunOperation;

/// What is to be done on the chain below.
#[derive(Debug)]
pub(crate) enum Operation {
    /// Nothing: the configuration alone changes.
    Nothing,
    /// Start from this chain.
    Base(Chain),
    /// Make a directory if it is missing.
    Workdir(PathBuf),
    /// Put files there.
    Copy(Box<CopyOperation>),
    /// Run a command.
    Run(Box<RunOperation>),
}

/// Does it, and gives the chain with what changed on top; the same chain when no file changed.
pub(crate) fn execute(
    session: &Session<'_>,
    step: &Step<'_>,
    below: &Chain,
    operation: Operation,
) -> Result<Chain, StepError> {
    match operation {
        Operation::Nothing => Ok(below.clone()),
        Operation::Base(chain) => Ok(chain),
        Operation::Workdir(path) => workdir::execute(session, below, &path),
        Operation::Copy(copy) => copy::execute(session, below, *copy),
        Operation::Run(run) => run::execute(session, step, below, *run),
    }
}
