//! What commands are run with: FUSE sessions and a sandbox, each started when it is needed.

use std::path::PathBuf;
use std::sync::OnceLock;

use iechor_executor::{CancelToken, Sandbox};
use iechor_snapshotter::fuse::View;
use iechor_snapshotter::{Chain, SnapshotId, SnapshotStore};

use crate::build::rootfs::Rootfs;
use crate::error::StepError;
use crate::state::Engine;

/// The services behind the commands of a build, or of a shell.
#[derive(Debug)]
pub(crate) struct Workbench<'a> {
    pub(crate) engine: &'a Engine,
    /// Fires when the commands are to end.
    pub(crate) cancel: CancelToken,
    rootfs: Rootfs,
    sandbox: OnceLock<Sandbox>,
}

impl<'a> Workbench<'a> {
    /// Starts nothing yet.
    pub(crate) fn new(engine: &'a Engine, cancel: CancelToken) -> Self {
        Self {
            engine,
            cancel,
            rootfs: Rootfs::new(engine.store()),
            sandbox: OnceLock::new(),
        }
    }

    pub(crate) fn store(&self) -> &SnapshotStore {
        self.engine.store()
    }

    /// What shows chains.
    pub(crate) fn rootfs(&self) -> &Rootfs {
        &self.rootfs
    }

    /// The sandbox.
    pub(crate) fn sandbox(&self) -> Result<&Sandbox, StepError> {
        if let Some(sandbox) = self.sandbox.get() {
            return Ok(sandbox);
        }
        let prepared = Sandbox::new()?;
        Ok(self.sandbox.get_or_init(|| prepared))
    }

    /// Shows a file or directory of a snapshot, and gives its path in this mount namespace; none
    /// stands for an empty tree. It is there for as long as the view lives.
    pub(crate) fn show(
        &self,
        snapshot: Option<SnapshotId>,
        inside: &std::path::Path,
    ) -> Result<(View, PathBuf), StepError> {
        let chain = match snapshot {
            Some(snapshot) => self.store().chain(snapshot)?,
            None => Chain::empty(),
        };
        let view = self.rootfs().view(&chain, &[])?;
        let path = view.path().join(inside);
        Ok((view, path))
    }
}
