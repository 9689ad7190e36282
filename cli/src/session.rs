//! What every command is given: where to write and where the state is.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use iechor_engine::mounts::{self, MountAccess, MountRecord};
use iechor_engine::{Engine, Settings};
use tempfile::TempDir;

use crate::args::GlobalArgs;
use crate::error::CliError;
use crate::ui::Ui;
use crate::{credentials, env};

/// What every state directory has.
const STATE_FORMAT: &str = "format";

/// Where root's state is.
const SYSTEM_ROOT: &str = "/var/lib/iechor";

/// One run of the program.
#[derive(Debug)]
pub(crate) struct Session {
    /// The writer.
    pub(crate) ui: Ui,
    /// The state directory, absolute.
    root: PathBuf,
}

/// The state directory of a dry run.
#[derive(Debug)]
pub(crate) enum DryState {
    /// That of builds.
    AsItIs(PathBuf),
    /// An empty one that goes when this is dropped.
    Empty(TempDir),
}

impl DryState {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::AsItIs(path) => path,
            Self::Empty(dir) => dir.path(),
        }
    }
}

impl Session {
    /// Settles what the global options and the environment say.
    pub(crate) fn new(global: GlobalArgs, ui: Ui) -> Result<Self, CliError> {
        let root = global.root.map_or_else(default_root, Ok)?;
        let root = std::path::absolute(&root).map_err(|source| CliError::Io {
            action: "find the state directory",
            path: root,
            source,
        })?;
        ui.debug(format_args!("state directory {}", root.display()));
        Ok(Self { ui, root })
    }

    /// The state directory, which need not exist.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Opens the state directory, for what asks no registry.
    pub(crate) fn engine(&self) -> Result<Engine, CliError> {
        self.clear_dead_mounts();
        self.engine_as_left()
    }

    /// The same, with mounts whose server died still in the list.
    pub(crate) fn engine_as_left(&self) -> Result<Engine, CliError> {
        self.open(Settings::default())
    }

    /// Takes away the mounts whose server died, and names them. Before the process enters a mount
    /// namespace of its own, from where they could not be reached.
    pub(crate) fn clear_dead_mounts(&self) {
        match mounts::clear_dead(&self.root) {
            Ok(dead) => dead.iter().for_each(|record| self.tell_dead(record)),
            // The command that was asked for may do without.
            Err(error) => self.ui.warning(format_args!(
                "cannot clear away mounts whose server died: {error}"
            )),
        }
    }

    /// Says that the server of a mount had died.
    pub(crate) fn tell_dead(&self, record: &MountRecord) {
        let lost = match record.access {
            MountAccess::ReadOnly => "",
            MountAccess::Scratch { .. } => ", and what was written to it is gone",
        };
        self.ui.warning(format_args!(
            "the server of the mount at {} had died; it is unmounted{lost}",
            record.dir.display()
        ));
    }

    /// Opens the state directory, with the user's credentials for registries.
    pub(crate) fn engine_with_credentials(&self) -> Result<Engine, CliError> {
        self.clear_dead_mounts();
        self.engine_in_private_mounts()
    }

    /// The same in a mount namespace of the process's own, where the host's mounts are out of reach.
    pub(crate) fn engine_in_private_mounts(&self) -> Result<Engine, CliError> {
        self.open(credentials::settings(&self.ui)?)
    }

    /// The state directory of a dry run: where there is none yet, none is left behind.
    pub(crate) fn state_for_dry_run(&self) -> Result<DryState, CliError> {
        if self.root.join(STATE_FORMAT).exists() {
            self.clear_dead_mounts();
            return Ok(DryState::AsItIs(self.root.clone()));
        }
        let empty = tempfile::Builder::new().prefix("iechor-dry-run-").tempdir();
        empty.map(DryState::Empty).map_err(|source| CliError::Io {
            action: "make a directory in",
            path: std::env::temp_dir(),
            source,
        })
    }

    /// Opens a state directory, with the user's credentials for registries.
    pub(crate) fn engine_in(&self, root: &Path) -> Result<Engine, CliError> {
        Engine::open(root, credentials::settings(&self.ui)?).map_err(Into::into)
    }

    fn open(&self, settings: Settings) -> Result<Engine, CliError> {
        Engine::open(&self.root, settings).map_err(Into::into)
    }

    /// The time, in seconds since the epoch; a clock before it counts as the epoch.
    pub(crate) fn now(&self) -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }
}

fn default_root() -> Result<PathBuf, CliError> {
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from(SYSTEM_ROOT));
    }
    let data = env::XDG_DATA_HOME.get().map(PathBuf::from);
    let home = || {
        env::HOME
            .get()
            .map(|home| PathBuf::from(home).join(".local/share"))
    };
    data.or_else(home)
        .map(|data| data.join("iechor"))
        .ok_or_else(|| {
            CliError::usage(
                "no state directory: neither --root, IECHOR_ROOT, XDG_DATA_HOME nor HOME is set",
            )
        })
}
