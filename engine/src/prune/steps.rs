//! Cached steps, failed states and images without a name: what the cache's policy lets go, and
//! what the disk gets back for each.

use iechor_cachedb::UnixMillis;
use iechor_cachedb::gc::{GcItem, GcView, Prunable};

use crate::usage::ledger::Ledger;

/// What goes, in the order of its removal; played through on the ledger.
pub(super) fn plan(now: UnixMillis, ledger: &mut Ledger, prunable: &Prunable) -> Vec<GcItem> {
    let leased = ledger.leased().clone();
    let view = GcView {
        now,
        leased: &|snapshot| leased.contains(snapshot),
    };
    prunable.plan(view, ledger).items
}
