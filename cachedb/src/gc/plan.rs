//! Planning a prune: who names what (`graph`), what may go (`fate`), in which order and how far
//! (`removal`).

use super::fate::Fates;
use super::graph::Graph;
use super::removal::Removal;
use super::{GcPlan, GcPolicy, GcView, Usage};
use crate::db::CacheDb;
use crate::error::CacheError;

impl CacheDb {
    /// Plans a prune. Changes nothing.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn plan_gc(
        &self,
        policy: &GcPolicy,
        view: GcView<'_>,
        usage: &mut dyn Usage,
    ) -> Result<GcPlan, CacheError> {
        let graph = self.read(Graph::load)?;
        let fates = Fates::decide(&graph, policy, view, usage);
        Ok(Removal::new(&graph, policy, fates, usage).run())
    }
}
