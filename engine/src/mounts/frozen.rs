//! A writable mount as a commit needs it: what it lies on, and its changes, held still.

use std::io::ErrorKind;
use std::path::PathBuf;

use iechor_cachedb::RecordId;
use iechor_image::ImageConfig;
use iechor_snapshotter::mount::{Frozen, MountError as KernelError};
use iechor_snapshotter::{Chain, StoreError};

use super::record::RecordDir;
use super::{MountAccess, MountError, MountRecord, find};
use crate::reference::Basis;
use crate::state::Engine;

/// A writable mount whose server lives.
#[derive(Debug)]
pub(crate) struct WritableMount {
    record: MountRecord,
    upper: PathBuf,
    /// What it lies on.
    pub(crate) below: Chain,
    /// The configuration that belongs to that.
    pub(crate) basis: Basis,
}

impl WritableMount {
    /// Finds the mount at a directory or with an id (a prefix suffices).
    pub(crate) fn find(engine: &Engine, dir_or_id: &str) -> Result<Self, MountError> {
        let entry = find(engine, dir_or_id)?;
        let record = entry.record.clone();
        let MountAccess::Scratch { upper } = &record.access else {
            return Err(MountError::ReadOnly(record.dir));
        };
        if entry.is_dead() {
            return Err(MountError::Dead(record.dir));
        }
        let tip = record.tip()?;
        let chain = tip.map(|tip| engine.store().chain(tip)).transpose()?;
        Ok(Self {
            below: chain.unwrap_or_default(),
            basis: basis(engine, &record)?,
            upper: upper.clone(),
            record,
        })
    }

    /// What the mount was made of, in words.
    pub(crate) fn title(&self) -> &str {
        &self.record.title
    }

    /// Makes what was written so far a snapshot. The mount is read-only meanwhile, so that it is
    /// one moment's state, and goes on as it was.
    pub(crate) fn snapshot(&self, engine: &Engine) -> Result<Chain, MountError> {
        let frozen = Frozen::new(&self.record.dir).map_err(|error| self.of_freezing(error))?;
        let made: Result<Chain, StoreError> = engine.store().commit_copy(&self.below, &self.upper);
        frozen.thaw()?;
        Ok(made?)
    }

    fn of_freezing(&self, error: KernelError) -> MountError {
        match &error {
            KernelError::Remount { source, .. } if source.kind() == ErrorKind::ResourceBusy => {
                MountError::Written {
                    dir: self.record.dir.clone(),
                    source: error,
                }
            }
            _ => error.into(),
        }
    }
}

/// What the record keeps of the state that was mounted.
fn basis(engine: &Engine, record: &MountRecord) -> Result<Basis, MountError> {
    let stored = RecordDir::open(engine.root())?.read(&record.id)?;
    let base = stored
        .base
        .ok_or_else(|| MountError::ReadOnly(record.dir.clone()))?;
    Ok(Basis {
        config: ImageConfig::parse(base.config.as_bytes())?,
        record: base.record.map(RecordId),
    })
}
