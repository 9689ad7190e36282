//! What commands are run with: one FUSE session and one sandbox, each started when it is needed.

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
    rootfs: OnceLock<Rootfs>,
    sandbox: OnceLock<Sandbox>,
}

impl<'a> Workbench<'a> {
    /// Starts nothing yet.
    pub(crate) fn new(engine: &'a Engine, cancel: CancelToken) -> Self {
        Self {
            engine,
            cancel,
            rootfs: OnceLock::new(),
            sandbox: OnceLock::new(),
        }
    }

    pub(crate) fn store(&self) -> &SnapshotStore {
        self.engine.store()
    }

    /// The FUSE session.
    pub(crate) fn rootfs(&self) -> Result<&Rootfs, StepError> {
        if let Some(rootfs) = self.rootfs.get() {
            return Ok(rootfs);
        }
        let started = Rootfs::start(self.store())?;
        Ok(self.rootfs.get_or_init(|| started))
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
        let view = self.rootfs()?.view(&chain, &[])?;
        let path = view.path().join(inside);
        Ok((view, path))
    }
}
