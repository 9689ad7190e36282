//! Why a step could not be started, found out inside its namespaces.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use crate::wire::wire_enum;

/// Why a step could not be started, found out inside its namespaces.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepFault {
    /// The rootfs cannot be used.
    #[error("cannot use {path} as the root file system of a step")]
    RootFs {
        /// The directory.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A mount's target is missing.
    #[error("mount target {target} does not exist in the root file system")]
    MissingTarget {
        /// The target.
        target: PathBuf,
    },
    /// A mount's target is one that a step must not cover.
    #[error("nothing may be mounted on {target}")]
    ForbiddenTarget {
        /// The target.
        target: PathBuf,
    },
    /// A mount's target cannot be reached or made.
    #[error("cannot use {target} as a mount target")]
    Target {
        /// The target.
        target: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A bind mount's source cannot be opened or shown.
    #[error("cannot mount {path}")]
    MountSource {
        /// The path outside.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A mount failed.
    #[error("cannot mount {what} on {target}")]
    Mount {
        /// What should have been mounted.
        what: String,
        /// Where.
        target: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// Another part of the setup failed.
    #[error("cannot {doing}")]
    Setup {
        /// What was being done, as an infinitive.
        doing: String,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The working directory cannot be entered.
    #[error("cannot enter working directory {path}")]
    WorkingDirectory {
        /// The directory.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// No directory of `PATH` has the program.
    #[error("program {program:?} was not found in PATH ({search:?})")]
    NotInPath {
        /// The program as the step names it.
        program: OsString,
        /// The value of `PATH`, empty when it is not set.
        search: OsString,
    },
    /// The program's file does not exist.
    #[error("program {path} does not exist in the root file system")]
    NoProgram {
        /// The program.
        path: PathBuf,
    },
    /// The program exists, and may not be executed by the step's user.
    #[error("program {path} is not executable")]
    NotExecutable {
        /// The program.
        path: PathBuf,
    },
    /// The program exists, and what must interpret it does not.
    #[error("interpreter {interpreter} of program {path} does not exist in the root file system")]
    NoInterpreter {
        /// The program.
        path: PathBuf,
        /// What its `#!` line or its ELF header names.
        interpreter: PathBuf,
    },
    /// The kernel does not know the program's format.
    #[error("program {path} is neither a binary of this machine nor a script with a #! line")]
    WrongFormat {
        /// The program.
        path: PathBuf,
    },
    /// The program could not be executed for another reason.
    #[error("cannot execute {path}")]
    Exec {
        /// The program.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
}

impl StepFault {
    /// What the author of the build can do about it, as a clause.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::MissingTarget { .. } => {
                Some("make the directory or file in an earlier step, or choose another target")
            }
            Self::ForbiddenTarget { .. } => Some("choose a target below another directory"),
            Self::WorkingDirectory { .. } => Some("make it with WORKDIR"),
            Self::NotInPath { .. } => {
                Some("install the program in an earlier step, or name it by its absolute path")
            }
            Self::NoProgram { .. } => {
                Some("copy or install it in an earlier step; the shell form of RUN needs /bin/sh")
            }
            Self::NotExecutable { .. } => Some("set its execute bit, for example COPY --chmod=755"),
            Self::NoInterpreter { .. } => Some(
                "install the interpreter; a name that ends in a carriage return comes from a script \
                 with Windows line ends",
            ),
            Self::WrongFormat { .. } => Some(
                "start the script with #!/bin/sh, or use a base image of this machine's platform",
            ),
            Self::RootFs { source, .. }
            | Self::Mount { source, .. }
            | Self::Setup { source, .. }
                if source.raw_os_error() == Some(libc::ENOSYS) =>
            {
                Some("steps need Linux 5.12 or later")
            }
            _ => None,
        }
    }
}

wire_enum!(StepFault {
    0 => RootFs { path, source },
    1 => MissingTarget { target },
    2 => ForbiddenTarget { target },
    3 => Target { target, source },
    4 => MountSource { path, source },
    5 => Mount { what, target, source },
    6 => Setup { doing, source },
    7 => WorkingDirectory { path, source },
    8 => NotInPath { program, search },
    9 => NoProgram { path },
    10 => NotExecutable { path },
    11 => NoInterpreter { path, interpreter },
    12 => WrongFormat { path },
    13 => Exec { path, source },
});

/// Names what was being done when a system call failed.
pub(crate) trait Doing<T> {
    /// `doing` is an infinitive: "set the host name".
    fn doing(self, doing: &str) -> Result<T, StepFault>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, doing: &str) -> Result<T, StepFault> {
        self.map_err(|error| StepFault::Setup {
            doing: doing.into(),
            source: error.into(),
        })
    }
}
