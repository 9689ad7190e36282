//! Why a build failed.

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
}

/// What kind of failure it was; decides the exit code (docs/exit-codes in the CLI reference).
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
    /// What kind of failure it is.
    pub fn kind(&self) -> FailureKind {
        FailureKind::Internal
    }

    /// What the user can do about it: whole sentences or commands, one a line.
    pub fn hints(&self) -> Vec<String> {
        Vec::new()
    }

    /// Exit code of the failed RUN step, for `--propagate-exit-code`.
    pub fn step_exit_code(&self) -> Option<u8> {
        None
    }
}
