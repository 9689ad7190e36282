//! Why a command failed, and the exit code that says so.
//!
//! The codes are documented in `docs/exit-codes.md`; [`code`] names them.

mod failure;

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

pub(crate) use self::failure::Failure;
use crate::signals::Interruption;

/// Exit codes.
pub(crate) mod code {
    use iechor_engine::error::FailureKind;

    /// The build failed: a step, or what it needed.
    pub(crate) const BUILD: u8 = 1;
    /// The command line makes no sense.
    pub(crate) const USAGE: u8 = 2;
    /// The iEchorfile has errors.
    pub(crate) const FILE: u8 = 3;
    /// A registry, the network, credentials.
    pub(crate) const REGISTRY: u8 = 4;
    /// The state directory: full, corrupt, not writable.
    pub(crate) const STORAGE: u8 = 5;
    /// Something that should not happen.
    pub(crate) const INTERNAL: u8 = 125;
    /// Added to a signal's number.
    pub(crate) const SIGNAL: u8 = 128;
    /// What a program ended by SIGPIPE shows.
    pub(crate) const BROKEN_PIPE: u8 = SIGNAL + 13;

    /// The code of a kind of failure.
    pub(super) fn of(kind: FailureKind) -> u8 {
        match kind {
            FailureKind::Build => BUILD,
            FailureKind::Usage => USAGE,
            FailureKind::File => FILE,
            FailureKind::Registry => REGISTRY,
            FailureKind::Storage => STORAGE,
            FailureKind::Cancelled => SIGNAL + 2,
            FailureKind::Internal => INTERNAL,
        }
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// What was asked makes no sense.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to write instead.
        hints: Vec<String>,
    },
    /// A file that the command line names could not be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// A verb phrase: `read the secret from`.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The build context cannot be had.
    #[error("cannot open the build context {}", path.display())]
    Context {
        /// What was named.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Standard output could not be written.
    #[error("cannot write to standard output")]
    Stdout(#[source] io::Error),
    /// Whoever read standard output went away. Said to nobody.
    #[error("standard output is closed")]
    BrokenPipe,
    /// The engine failed.
    #[error(transparent)]
    Engine(Box<Failure>),
    /// `iechor doctor` found what builds cannot do without.
    #[error("builds cannot work here: {0}")]
    Unfit(String),
    /// A signal ended the command.
    #[error("interrupted by {0}")]
    Interrupted(Interruption),
    /// The command of `iechor shell` ended with this code; it has said why.
    #[error("the command ended with exit code {0}")]
    Ended(u8),
    /// A thing that should not happen.
    #[error("{0}")]
    Internal(String),
}

impl CliError {
    /// What was asked makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage {
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// The same, with what to write instead.
    pub(crate) fn usage_with_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage {
            message: message.into(),
            hints: vec![hint.into()],
        }
    }

    /// A failed write to standard output.
    pub(crate) fn from_stdout(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            _ => Self::Stdout(error),
        }
    }

    /// The exit code.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage { .. } | Self::Context { .. } => code::USAGE,
            Self::Io { .. } | Self::Stdout(_) | Self::Unfit(_) => code::BUILD,
            Self::BrokenPipe => code::BROKEN_PIPE,
            Self::Engine(failure) => failure.code(),
            Self::Interrupted(signal) => signal.exit_code(),
            Self::Ended(code) => *code,
            Self::Internal(_) => code::INTERNAL,
        })
    }

    /// Whether there is anybody to tell it to.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(self, Self::BrokenPipe | Self::Ended(_))
    }

    /// Whether the message brings its own `error:` and excerpt.
    pub(crate) fn is_rendered(&self) -> bool {
        matches!(self, Self::Engine(failure) if failure.is_rendered())
    }

    /// The chain of causes below the error's own line.
    pub(crate) fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut next = self.source();
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        causes
    }

    /// What the user can do about it.
    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::Usage { hints, .. } => hints.clone(),
            Self::Engine(failure) => failure.hints().to_vec(),
            _ => Vec::new(),
        }
    }
}

impl<E: Into<Failure>> From<E> for CliError {
    fn from(error: E) -> Self {
        Self::Engine(Box::new(error.into()))
    }
}
