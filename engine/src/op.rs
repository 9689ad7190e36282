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

/// What an operation made.
#[derive(Debug)]
pub(crate) struct Done {
    /// The chain with what changed on top; the chain below when no file changed.
    pub(crate) chain: Chain,
    /// What a command was run with, in the form in which it is kept.
    pub(crate) setup: Option<String>,
}

/// Does it.
pub(crate) fn execute(
    session: &Session<'_>,
    step: &Step<'_>,
    below: &Chain,
    operation: Operation,
) -> Result<Done, StepError> {
    let chain = match operation {
        Operation::Nothing => below.clone(),
        Operation::Base(chain) => chain,
        Operation::Workdir(path) => workdir::execute(session, below, &path)?,
        Operation::Copy(copy) => copy::execute(session, below, *copy)?,
        Operation::Run(run) => return run::execute(session, step, below, *run),
    };
    Ok(Done { chain, setup: None })
}
