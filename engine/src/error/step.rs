//! Why a step failed.

use std::error::Error;
use std::path::PathBuf;

use iechor_cachedb::CacheError;
use iechor_cachedb::lease::LockError;
use iechor_executor::ExecError;
use iechor_frontend::ast::Text;
use iechor_frontend::ignore::IgnoreError;
use iechor_frontend::{Code, Diagnostic, Span};
use iechor_image::config::ConfigError;
use iechor_image::layer::{UnpackError, WriteError};
use iechor_snapshotter::fuse::FuseError;
use iechor_snapshotter::mount::MountError;
use iechor_snapshotter::tree::TreeError;
use iechor_snapshotter::{SnapshotId, StoreError};

use super::{BuildError, FailureKind, RunFailure};
use crate::accounts::AccountError;
use crate::build::fetch::FetchError;
use crate::copy::CopyError;
use crate::logs::LogError;
use crate::path_error::PathError;
use crate::sources::SourcesError;

/// Why a step failed. `Display` is a clause; sources follow.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// The user ended the build.
    #[error("cancelled")]
    Cancelled,
    /// The command of a RUN ended badly.
    #[error("{0}")]
    Failed(RunFailure),
    /// The instruction does not expand, or not to something that it can have.
    #[error("{}", .0.message)]
    Diagnostic(Box<Diagnostic>),
    /// Something about one part of the instruction.
    #[error("{error}")]
    At {
        /// Which part.
        span: Span,
        /// What.
        error: Box<Self>,
    },
    /// `COPY` or a bind mount without `from`, and there is no context.
    #[error("there is no build context to take files from")]
    NoContext,
    /// A secret that the step requires was not given.
    #[error("secret {id:?} is required and was not given")]
    MissingSecret {
        /// Its id.
        id: String,
    },
    /// `--mount=type=ssh`.
    #[error("ssh mounts are not supported yet")]
    NoSsh,
    /// `--checksum` without a URL.
    #[error("--checksum applies to files that are fetched, and no source is a URL")]
    IdleChecksum,
    /// The image is for another processor.
    #[error("cannot run commands of an image for {wanted} on {host}")]
    ForeignPlatform {
        /// The image's.
        wanted: String,
        /// This machine's.
        host: String,
    },
    /// A mount's target can't be resolved.
    #[error("cannot mount on {target}")]
    MountTarget {
        /// The target as written.
        target: PathBuf,
        /// Why.
        source: TreeError,
    },
    /// The FUSE server could not answer a request of this step: its result can't be trusted.
    #[error("the file system of the step had a fault; its result is thrown away")]
    ServerFault,
    /// An invariant of the build did not hold.
    #[error("internal error: the state of the stage is lost")]
    Lost,
    /// A dry run cannot know what the instruction comes to; never the end of a build.
    #[error("not known before {until}")]
    Unforeseeable {
        /// What would have to happen first.
        until: String,
    },
    /// The context's ignore file, or another file of the request, can't be read.
    #[error(transparent)]
    Request(#[from] Box<BuildError>),
    /// A pattern of `--exclude`.
    #[error(transparent)]
    Exclude(#[from] IgnoreError),
    /// Files could not be copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// A URL or a repository could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A user or group could not be resolved.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// An image could not be had.
    #[error(transparent)]
    Sources(#[from] SourcesError),
    /// A configuration can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An archive can't be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// A cache mount can't be filled.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The command could not be started or watched.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// The FUSE server could not be started.
    #[error(transparent)]
    Fuse(#[from] FuseError),
    /// A mount failed.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// The log can't be written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A file of the state directory.
    #[error(transparent)]
    File(#[from] PathError),
    /// The snapshot store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The index failed.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A lock could not be had.
    #[error(transparent)]
    Lock(#[from] LockError),
}

impl StepError {
    /// The same error, about one part of the instruction.
    pub(crate) fn at(self, span: Span) -> Self {
        match self {
            Self::Diagnostic(_) | Self::At { .. } | Self::Cancelled => self,
            error => Self::At {
                span,
                error: Box::new(error),
            },
        }
    }

    /// A word that expanded to something that the instruction can't have.
    pub(crate) fn invalid(text: &Text, error: &dyn std::fmt::Display) -> Self {
        Self::Diagnostic(Box::new(Diagnostic::error(
            Code::INVALID_ARGUMENT,
            text.span(),
            error.to_string(),
        )))
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        matches!(self.innermost(), Self::Cancelled)
    }

    /// What would have to happen before a dry run could know more, if that is what stopped it.
    pub(crate) fn unforeseeable(&self) -> Option<&str> {
        match self.innermost() {
            Self::Unforeseeable { until } => Some(until),
            _ => None,
        }
    }

    /// The command that failed, if that is what happened.
    pub fn run_failure(&self) -> Option<&RunFailure> {
        match self.innermost() {
            Self::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    /// The snapshot that a failed command left.
    pub(crate) fn state_left(&self) -> Option<SnapshotId> {
        self.run_failure().and_then(|failure| failure.left)
    }

    pub(crate) fn innermost(&self) -> &Self {
        match self {
            Self::At { error, .. } => error.innermost(),
            error => error,
        }
    }

    /// The message with its causes, on one line.
    pub(crate) fn one_line(&self) -> String {
        let mut line = self.to_string();
        let mut cause = self.innermost().source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !line.ends_with(&text) {
                line = format!("{line}: {text}");
            }
            cause = error.source();
        }
        line
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> FailureKind {
        match self.innermost() {
            Self::Cancelled => FailureKind::Cancelled,
            Self::Diagnostic(_) => FailureKind::File,
            Self::Sources(error) => sources_kind(error),
            Self::Fetch(_) => FailureKind::Registry,
            Self::Request(error) => error.kind(),
            Self::Lost => FailureKind::Internal,
            Self::Fuse(FuseError::View(_)) => FailureKind::Build,
            Self::Store(_)
            | Self::Cache(_)
            | Self::Lock(_)
            | Self::File(_)
            | Self::Log(_)
            | Self::Fuse(_)
            | Self::Mount(_) => FailureKind::Storage,
            Self::Copy(CopyError::Store(_)) => FailureKind::Storage,
            _ => FailureKind::Build,
        }
    }

    /// What the user can do about it.
    pub(crate) fn hints(&self) -> Vec<String> {
        let hint = match self.innermost() {
            Self::Failed(failure) => return failure.hints(),
            Self::MissingSecret { id } => format!("give it with --secret id={id},src=FILE or --secret id={id},env=NAME"),
            Self::NoContext => "give a directory as the context: `iechor build -f FILE DIR`".to_owned(),
            Self::Copy(CopyError::NotFound { .. }) => {
                "paths are relative to the context; an ignore file may hide the file".to_owned()
            }
            Self::Copy(CopyError::Outside { .. }) => "move the file into the context, or name its directory with --build-context".to_owned(),
            Self::Copy(CopyError::NotADirectory { .. }) => "add a / at the end".to_owned(),
            Self::ForeignPlatform { .. } => "build on a machine of that kind, or register QEMU's user emulation with the kernel (Debian: qemu-user-static)".to_owned(),
            Self::Fuse(FuseError::View(_)) => "a step has mounts of its own, such as /proc, /dev and those of --mount: the image must have a directory there, or nothing".to_owned(),
            Self::Fuse(_) => "iechor needs /dev/fuse and the right to mount: load the module fuse, or pass the device into the container".to_owned(),
            _ => return Vec::new(),
        };
        vec![hint]
    }

    /// The error over the excerpt of the file that it is about.
    pub(crate) fn in_file(self, name: &str, text: &str, span: Span, label: String) -> BuildError {
        if self.is_cancelled() {
            return BuildError::Cancelled;
        }
        let diagnostic = match &self {
            Self::Diagnostic(diagnostic) => (**diagnostic).clone(),
            Self::At { span, .. } => Diagnostic::error(Code::STEP_FAILED, *span, self.one_line()),
            _ => Diagnostic::error(Code::STEP_FAILED, span, self.one_line()),
        };
        BuildError::Step {
            rendered: diagnostic.render(name, text),
            label,
            cause: Box::new(self),
        }
    }

    pub(crate) fn into_build(self) -> BuildError {
        self.into()
    }
}

/// Most images that can't be had are at a registry; some are already in the state directory.
fn sources_kind(error: &SourcesError) -> FailureKind {
    match error {
        SourcesError::Reference(_) | SourcesError::Location(_) => FailureKind::Usage,
        SourcesError::Content(_)
        | SourcesError::Store(_)
        | SourcesError::Cache(_)
        | SourcesError::Lease(_)
        | SourcesError::File(_) => FailureKind::Storage,
        _ => FailureKind::Registry,
    }
}
