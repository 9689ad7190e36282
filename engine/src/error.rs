//! Why a build failed, what kind of failure it was, and what the user can do about it.

mod run_failure;
mod step;

use std::io;
use std::path::{Path, PathBuf};

use iechor_cachedb::CacheError;
use iechor_cachedb::lease::LockError;
use iechor_frontend::ignore::IgnoreError;
use iechor_frontend::{Code, Diagnostic, Span};
use iechor_image::content::ContentError;
use iechor_snapshotter::StoreError;

pub use run_failure::RunFailure;
pub use step::StepError;

use crate::build::load::LoadedFile;
use crate::output::OutputError;

/// Why a build failed. `Display` gives one line or a rendered diagnostic; sources follow.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The user ended it.
    #[error("build cancelled")]
    Cancelled,
    /// The iEchorfile has errors; rendered rustc-style, all of them.
    #[error("{rendered}")]
    Parse {
        /// All diagnostics, ready to print.
        rendered: String,
    },
    /// A step failed.
    #[error("{rendered}")]
    Step {
        /// The message over the excerpt of the file that it is about, ready to print.
        rendered: String,
        /// `[build 2/4]`.
        label: String,
        /// What happened; part of `rendered`.
        cause: Box<StepError>,
    },
    /// There is nothing to build.
    #[error("no iEchorfile, Dockerfile or Containerfile in {dir}")]
    NoFile {
        /// The context.
        dir: PathBuf,
    },
    /// An option names a stage that the file does not have.
    #[error("{option} {name}: no such stage; the stages are {}", .stages.join(", "))]
    UnknownStage {
        /// `--target` or `--no-cache-filter`.
        option: &'static str,
        /// What was given.
        name: String,
        /// The file's stages.
        stages: Vec<String>,
    },
    /// The ignore file has a pattern that can't be used.
    #[error("{path}")]
    IgnoreFile {
        /// The ignore file.
        path: PathBuf,
        /// What is wrong with it.
        source: IgnoreError,
    },
    /// A system call on a path failed.
    #[error("{action} {path}")]
    Io {
        /// What was being done: "cannot read".
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The snapshot store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The index failed.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The content store failed.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// A lock could not be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The image could not be finished or written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// Outside of any step something failed that steps do, too.
    #[error(transparent)]
    Other(StepError),
}

/// What kind of failure it was; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// A step failed: exit 1.
    Build,
    /// The request makes no sense: unknown target, bad reference: exit 2.
    Usage,
    /// The file is wrong: exit 3.
    File,
    /// A registry, the network, credentials: exit 4.
    Registry,
    /// The state directory: full, corrupt, not writable: exit 5.
    Storage,
    /// Cancelled: exit 130.
    Cancelled,
    /// Anything that should not happen: exit 125.
    Internal,
}

impl BuildError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Cancelled => FailureKind::Cancelled,
            Self::Parse { .. } | Self::IgnoreFile { .. } => FailureKind::File,
            Self::Step { cause, .. } => cause.kind(),
            Self::Other(cause) => cause.kind(),
            Self::NoFile { .. } | Self::UnknownStage { .. } => FailureKind::Usage,
            Self::Io { .. } => FailureKind::Usage,
            Self::Store(_) | Self::Cache(_) | Self::Content(_) | Self::Lock(_) => {
                FailureKind::Storage
            }
            Self::Output(_) => FailureKind::Build,
        }
    }

    /// Whether `Display` is a whole message already, with its own `error:` and excerpt.
    pub fn is_rendered(&self) -> bool {
        matches!(self, Self::Parse { .. } | Self::Step { .. })
    }

    /// What the user can do about it: whole sentences or commands, one a line.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Step { cause, .. } => cause.hints(),
            Self::Other(cause) => cause.hints(),
            Self::NoFile { .. } => vec!["name the file with -f".to_owned()],
            _ => Vec::new(),
        }
    }

    /// The command that failed, if that is what happened.
    pub fn run_failure(&self) -> Option<&RunFailure> {
        match self {
            Self::Step { cause, .. } => cause.run_failure(),
            _ => None,
        }
    }

    /// Exit code of the failed RUN step, for `--propagate-exit-code`.
    pub fn step_exit_code(&self) -> Option<u8> {
        self.run_failure().and_then(RunFailure::exit_code)
    }
}

impl From<StepError> for BuildError {
    fn from(error: StepError) -> Self {
        if error.is_cancelled() {
            Self::Cancelled
        } else {
            Self::Other(error)
        }
    }
}

/// Errors that point into the file.
impl LoadedFile {
    /// A diagnostic as the build's error.
    pub(crate) fn at(&self, diagnostic: &Diagnostic) -> BuildError {
        BuildError::Parse {
            rendered: diagnostic.render(&self.name, &self.text),
        }
    }

    /// A message that points at `span`.
    pub(crate) fn error_at(&self, span: Span, message: &str, help: Option<&str>) -> BuildError {
        let diagnostic = Diagnostic::error(Code::STAGES, span, message);
        self.at(&match help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        })
    }
}
