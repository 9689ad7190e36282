//! Removing a cache mount.

use super::directory::{self, MountLock};
use super::{CacheMountError, find};
use crate::state::Engine;

/// Removes a cache mount, named by its id or its directory.
///
/// # Errors
///
/// [`CacheMountError::InUse`] while a step uses it, [`CacheMountError::NotFound`],
/// [`CacheMountError::Ambiguous`].
pub fn remove(engine: &Engine, wanted: &str) -> Result<(), CacheMountError> {
    let dir = find::find(engine, wanted)?;
    match directory::lock(&dir)? {
        MountLock::InUse => Err(CacheMountError::InUse(directory::id_of(&dir))),
        MountLock::Free(_lock) => Ok(directory::remove_tree(&dir)?),
    }
}
