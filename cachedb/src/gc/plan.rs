//! Planning a prune: who names what (`graph`), what may go (`fate`), in which order (`removal`) and
//! how far (`budget`).

use super::fate::Fates;
use super::graph::Prunable;
use super::removal::Removal;
use super::{GcPlan, GcPolicy, GcView, Usage};
use crate::db::CacheDb;
use crate::error::CacheError;

impl CacheDb {
    /// What there is to prune, as of one moment.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn prunable(&self) -> Result<Prunable, CacheError> {
        self.read(|connection| {
            let transaction = connection.unchecked_transaction()?;
            Prunable::load(&transaction)
        })
    }
}

impl Prunable {
    /// Plans a prune. Changes nothing.
    pub fn plan(&self, policy: &GcPolicy, view: GcView<'_>, usage: &mut dyn Usage) -> GcPlan {
        let fates = Fates::decide(self, policy, view, usage);
        Removal::new(self, policy, fates, usage).run()
    }
}
