//! Cached steps, failed states and images without a name: what the cache's policy lets go, and
//! what the disk gets back for each.

use iechor_cachedb::UnixMillis;
use iechor_cachedb::gc::{GcItem, GcView, Prunable};

use super::{PruneItem, PruneRequest, Target};
use crate::usage::ledger::Ledger;
use crate::usage::records;

/// What goes, in the order of its removal; played through on the ledger.
pub(super) fn plan(
    request: &PruneRequest,
    now: UnixMillis,
    ledger: &mut Ledger,
    prunable: &Prunable,
) -> Vec<(PruneItem, Target)> {
    let leased = ledger.leased().clone();
    let view = GcView {
        now,
        leased: &|snapshot| leased.contains(snapshot),
    };
    let plan = prunable.plan(&request.policy(), view, ledger);
    let shown = |item: GcItem| {
        let record = records::of_item(&item, prunable.records())?;
        let shown = PruneItem::new(record, item.reason.clause());
        Some((shown, Target::Row(Box::new(item))))
    };
    plan.items.into_iter().filter_map(shown).collect()
}
