//! What is there: the books of the store, who names what is in it, and what lies beside it.

use std::panic::resume_unwind;
use std::thread;

use iechor_cachedb::gc::Prunable;

use super::UsageError;
use super::census::{Census, Trust};
use super::files::{self, Stored};
use super::ledger::Ledger;
use crate::prune::PruneRequest;
use crate::state::Engine;

/// Who names what is in the store, and what lies beside it.
#[derive(Debug)]
pub(crate) struct Inventory {
    pub(crate) prunable: Prunable,
    pub(crate) files: Vec<Stored>,
}

impl Inventory {
    /// Takes it, with the ledger of the store.
    pub(crate) fn take(
        engine: &Engine,
        request: &PruneRequest,
    ) -> Result<(Ledger, Self), UsageError> {
        let ask = |engine: &Engine| {
            let prunable = engine.cache().prunable(&request.policy())?;
            let files = files::found(engine)?;
            Ok(Self { prunable, files })
        };
        let open = |census| Ledger::open(engine, census);
        let (ledger, inventory) = with_census(engine, open, ask)?;
        let mut ledger = ledger?;
        ledger.root_records(inventory.prunable.records());
        ledger.root(inventory.prunable.beside_records());
        ledger.set_beside(inventory.files.iter().map(|file| file.record.own).sum());
        Ok((ledger, inventory))
    }
}

/// What is made of the census of the store, and what `ask` gives; the two are read side by side.
pub(super) fn with_census<M: Send, T>(
    engine: &Engine,
    make: impl FnOnce(Census) -> M + Send,
    ask: impl FnOnce(&Engine) -> Result<T, UsageError>,
) -> Result<(M, T), UsageError> {
    thread::scope(|scope| {
        let census = scope.spawn(|| Census::take(engine, Trust::Times).map(make));
        let asked = ask(engine);
        let made = census.join().unwrap_or_else(|panic| resume_unwind(panic));
        Ok((made?, asked?))
    })
}
