//! What moved directories merge with, found once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Place;

/// What each moved directory of a chain that was met merges with.
///
/// The path that it was moved from may lead through directories that were moved themselves, in the
/// layer below and the next: d nested directories that are moved in each of n layers would take
/// n over d searches, one for each way down. With the answers kept each is searched for once.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    found: Mutex<HashMap<Place, Arc<[Place]>>>,
}

impl Origins {
    /// The directories that lie under a moved one, topmost first; `find` looks them up, and may ask
    /// for others here.
    pub(super) fn of(&self, moved: Place, find: impl FnOnce() -> Box<[Place]>) -> Arc<[Place]> {
        if let Some(found) = self.get(moved) {
            return found;
        }
        // Found without the lock, which it needs itself; two threads may both find the same.
        let found: Arc<[Place]> = find().into();
        let mut kept = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(kept.entry(moved).or_insert(found))
    }

    fn get(&self, moved: Place) -> Option<Arc<[Place]>> {
        let kept = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&moved).cloned()
    }
}
