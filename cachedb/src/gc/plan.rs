//! Planning a prune: who names what (`graph`), what may go (`fate`), in which order (`removal`) and
//! how far (`budget`).

use super::fate::Fates;
use super::graph::Prunable;
use super::removal::Removal;
use super::{GcPlan, GcPolicy, GcView, Usage};
use crate::db::CacheDb;
use crate::error::CacheError;

impl CacheDb {
    /// What there is to prune by a policy, as of one moment.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn prunable(&self, policy: &GcPolicy) -> Result<Prunable, CacheError> {
        self.with_listing(|connection, records| Prunable::load(connection, records, policy))
    }
}

impl Prunable {
    /// Plans a prune. Changes nothing.
    pub fn plan(&self, view: GcView<'_>, usage: &mut dyn Usage) -> GcPlan {
        let fates = Fates::decide(self, view, usage);
        Removal::new(self, fates, usage).run()
    }
}
