//! States of failed steps that are one too many.

use super::PruneError;
use super::removal::sweep;
use crate::state::Engine;

/// Keeps the newest `keep` states of failed steps and removes the others. What is mounted stays until
/// it is unmounted and pruned.
///
/// # Locking
///
/// As [`super::apply`], if there is anything to remove.
pub(crate) fn keep_failed(engine: &Engine, keep: usize) -> Result<(), PruneError> {
    let failed = engine.cache().failed_steps()?;
    let older = failed.get(keep..).unwrap_or_default();
    if older.is_empty() {
        return Ok(());
    }
    for step in older {
        engine.cache().forget_failed_state(step.id)?;
    }
    sweep(engine)
}
