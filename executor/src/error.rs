//! Why a step could not be run or watched.

use std::io;

use crate::StepFault;

/// Why a step could not be started or watched (not: why the command failed).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecError {
    /// The sealed copy of this program, from which steps start, could not be made.
    #[error("cannot copy this program into memory")]
    CopyProgram(#[source] io::Error),
    /// The system-call filters could not be compiled.
    #[error("cannot compile the system-call filters: {reason}")]
    Filters {
        /// The compiler's words.
        reason: String,
    },
    /// The calling process could not leave the host's mount namespace.
    #[error("cannot enter a private mount namespace")]
    PrivateMounts(#[source] io::Error),
    /// The step names no program.
    #[error("the step has no program to run")]
    NoProgram,
    /// The step's pipes, socket or event descriptor could not be made.
    #[error("cannot open the descriptors of a step")]
    Descriptors(#[source] io::Error),
    /// The step's namespaces could not be made.
    #[error("cannot create the namespaces of a step")]
    Namespaces(#[source] io::Error),
    /// The running step could not be watched.
    #[error("cannot watch the running step")]
    Watch(#[source] io::Error),
    /// The terminal of the person who works in the step could not be used.
    #[error("cannot use the terminal")]
    Terminal(#[source] io::Error),
    /// Somebody outside the step killed its init.
    #[error("the step's init was killed from outside by signal {signal}")]
    InitKilled {
        /// The signal.
        signal: i32,
    },
    /// The step's init left without saying how the command ended.
    #[error("the step's init ended without a report")]
    InitLost,
    /// The step's namespaces were made, and the command could not be started in them.
    #[error(transparent)]
    Step(#[from] StepFault),
}

impl ExecError {
    /// What the user can do about it, as a clause.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::PrivateMounts(error) | Self::Namespaces(error)
                if error.kind() == io::ErrorKind::PermissionDenied =>
            {
                Some("run as root; a container needs CAP_SYS_ADMIN to build in")
            }
            Self::Step(fault) => fault.hint(),
            _ => None,
        }
    }
}
