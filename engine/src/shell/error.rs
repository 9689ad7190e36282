//! Why there is no shell.

use iechor_cachedb::CacheError;
use iechor_cachedb::lease::LockError;
use iechor_executor::{ExecError, StepFault};

use crate::error::StepError;
use crate::reference::ReferenceError;

/// Why a shell could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShellError {
    /// What it is to be a shell of was not found.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The state before is asked for, of something that is no step.
    #[error("--before needs a step or --failed, and this is {0}")]
    NoBefore(String),
    /// There is no shell among the files.
    #[error("{0} has no shell: give a command after --")]
    NoShell(String),
    /// What the step was run with is not what was written.
    #[error("what {title} was run with is damaged: build it again with --no-cache")]
    Setup {
        /// The step.
        title: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The command could not be started or watched.
    #[error(transparent)]
    Step(#[from] StepError),
    /// A lease could not be taken.
    #[error(transparent)]
    Lease(#[from] LockError),
    /// The database could not be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

impl ShellError {
    /// The exit code that shells have for it: 127 when there is no such program, 126 when it may not
    /// be executed; none for anything else.
    pub fn exit_code(&self) -> Option<u8> {
        let Self::Step(error) = self else {
            return None;
        };
        match error.innermost() {
            StepError::Exec(ExecError::Step(fault)) => match fault {
                StepFault::NotInPath { .. } | StepFault::NoProgram { .. } => Some(127),
                StepFault::NotExecutable { .. } => Some(126),
                _ => None,
            },
            _ => None,
        }
    }

    /// What the user can do about it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Step(error) => error.hints(),
            _ => Vec::new(),
        }
    }
}
