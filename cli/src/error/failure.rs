//! The engine's errors as the command line sees them: an exit code, advice, a message.

use std::error::Error;
use std::fmt;

use iechor_engine::BuildError;
use iechor_engine::blame::BlameError;
use iechor_engine::cache_mounts::CacheMountError;
use iechor_engine::commit::CommitError;
use iechor_engine::diff::DiffError;
use iechor_engine::error::FailureKind;
use iechor_engine::explain::ExplainError;
use iechor_engine::files::FilesError;
use iechor_engine::history::HistoryError;
use iechor_engine::images::ImagesError;
use iechor_engine::logs::LogError;
use iechor_engine::mounts::MountError;
use iechor_engine::output::OutputError;
use iechor_engine::picture::PictureError;
use iechor_engine::prune::PruneError;
use iechor_engine::shell::ShellError;
use iechor_engine::sources::SourcesError;
use iechor_engine::usage::UsageError;

use super::code;

/// An error of the engine, with what the command line needs to know of it.
#[derive(Debug)]
pub(crate) struct Failure {
    error: Box<dyn Error + Send + Sync>,
    code: u8,
    hints: Vec<String>,
    rendered: bool,
}

impl Failure {
    /// An error that stands for an exit code.
    pub(crate) fn new(error: impl Error + Send + Sync + 'static, kind: FailureKind) -> Self {
        Self {
            error: Box::new(error),
            code: code::of(kind),
            hints: Vec::new(),
            rendered: false,
        }
    }

    /// The same with other than the usual exit code.
    pub(crate) fn with_code(self, code: u8) -> Self {
        Self { code, ..self }
    }

    /// The exit code.
    pub(super) fn code(&self) -> u8 {
        self.code
    }

    /// What the user can do about it.
    pub(super) fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Whether the message brings its own `error:` and excerpt.
    pub(super) fn is_rendered(&self) -> bool {
        self.rendered
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        let (hints, rendered) = (error.hints(), error.is_rendered());
        let kind = error.kind();
        Self {
            hints,
            rendered,
            ..Self::new(error, kind)
        }
    }
}

impl From<ImagesError> for Failure {
    fn from(error: ImagesError) -> Self {
        let kind = of_images(&error);
        Self::new(error, kind)
    }
}

fn of_images(error: &ImagesError) -> FailureKind {
    match error {
        ImagesError::Reference(_) | ImagesError::NameWithDigest(_) => FailureKind::Usage,
        ImagesError::Config { .. } | ImagesError::Chain { .. } | ImagesError::Cache(_) => {
            FailureKind::Storage
        }
        _ => FailureKind::Build,
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        let kind = match &error {
            OutputError::Push { .. } => FailureKind::Registry,
            OutputError::Reference(_) | OutputError::NameWithDigest(_) => FailureKind::Usage,
            OutputError::Images(error) => of_images(error),
            OutputError::Store(_) | OutputError::Cache(_) => FailureKind::Storage,
            _ => FailureKind::Build,
        };
        Self::new(error, kind)
    }
}

impl From<SourcesError> for Failure {
    fn from(error: SourcesError) -> Self {
        let kind = match &error {
            SourcesError::Reference(_) | SourcesError::Location(_) => FailureKind::Usage,
            SourcesError::Source { .. } | SourcesError::Fetch { .. } => FailureKind::Registry,
            SourcesError::Unpack { .. } => FailureKind::Registry,
            _ => FailureKind::Storage,
        };
        Self::new(error, kind)
    }
}

impl From<CommitError> for Failure {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Mount(error) => error.into(),
            CommitError::Output(error) => error.into(),
            CommitError::Change(_) => Self::new(error, FailureKind::Usage),
            _ => Self::new(error, FailureKind::Storage),
        }
    }
}

impl From<MountError> for Failure {
    fn from(error: MountError) -> Self {
        Self::new(error, FailureKind::Build)
    }
}

impl From<ShellError> for Failure {
    fn from(error: ShellError) -> Self {
        let kind = match &error {
            ShellError::Step(error) => error.kind(),
            ShellError::NoBefore(_) => FailureKind::Usage,
            ShellError::Lease(_) | ShellError::Cache(_) => FailureKind::Storage,
            _ => FailureKind::Build,
        };
        let (hints, code) = (error.hints(), error.exit_code());
        let failure = Self {
            hints,
            ..Self::new(error, kind)
        };
        match code {
            Some(code) => failure.with_code(code),
            None => failure,
        }
    }
}

impl From<FilesError> for Failure {
    fn from(error: FilesError) -> Self {
        let kind = of_files(&error);
        Self::new(error, kind)
    }
}

fn of_files(error: &FilesError) -> FailureKind {
    match error {
        FilesError::NoPath(_) => FailureKind::Usage,
        FilesError::Lease(_) => FailureKind::Storage,
        _ => FailureKind::Build,
    }
}

impl From<DiffError> for Failure {
    fn from(error: DiffError) -> Self {
        let kind = match &error {
            DiffError::Files(error) => of_files(error),
            _ => FailureKind::Build,
        };
        Self::new(error, kind)
    }
}

impl From<BlameError> for Failure {
    fn from(error: BlameError) -> Self {
        let kind = match &error {
            BlameError::Files(error) => of_files(error),
            _ => FailureKind::Storage,
        };
        Self::new(error, kind)
    }
}

impl From<HistoryError> for Failure {
    fn from(error: HistoryError) -> Self {
        let kind = match &error {
            HistoryError::Cache(_) => FailureKind::Storage,
            _ => FailureKind::Build,
        };
        Self::new(error, kind)
    }
}

impl From<PictureError> for Failure {
    fn from(error: PictureError) -> Self {
        match error {
            PictureError::History(error) => error.into(),
            PictureError::NoBuild => Self::new(error, FailureKind::Build),
            error => Self::new(error, FailureKind::Storage),
        }
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        Self::new(error, FailureKind::Build)
    }
}

impl From<CacheMountError> for Failure {
    fn from(error: CacheMountError) -> Self {
        let (kind, hint) = match &error {
            CacheMountError::Exists(_) => {
                (FailureKind::Build, Some("add --replace to throw them away"))
            }
            CacheMountError::NotFound { .. } | CacheMountError::Ambiguous { .. } => (
                FailureKind::Build,
                Some("`iechor builder cache-mounts ls` lists them"),
            ),
            CacheMountError::InUse(_) | CacheMountError::Archive(_) | CacheMountError::Write(_) => {
                (FailureKind::Build, None)
            }
            _ => (FailureKind::Storage, None),
        };
        Self {
            hints: hint.into_iter().map(str::to_owned).collect(),
            ..Self::new(error, kind)
        }
    }
}

impl From<UsageError> for Failure {
    fn from(error: UsageError) -> Self {
        Self::new(error, FailureKind::Storage)
    }
}

impl From<ExplainError> for Failure {
    fn from(error: ExplainError) -> Self {
        let kind = match &error {
            ExplainError::Cache(_) => FailureKind::Storage,
            _ => FailureKind::Build,
        };
        Self::new(error, kind)
    }
}

impl From<PruneError> for Failure {
    fn from(error: PruneError) -> Self {
        Self::new(error, FailureKind::Storage)
    }
}
