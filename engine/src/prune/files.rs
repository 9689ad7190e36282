//! What may go beside the store: contents, cache mounts, logs.

use iechor_cachedb::UnixMillis;

use super::{PruneError, PruneItem, PruneRequest, Scope, Target};
use crate::state::Engine;
use crate::usage::UsageKind;
use crate::usage::files::{self, Need, Stored};
use crate::usage::ledger::Ledger;

/// What goes while the store is as the ledger says: first what nothing needs, then what is least
/// recently used.
pub(super) fn plan(
    engine: &Engine,
    request: &PruneRequest,
    now: UnixMillis,
    ledger: &Ledger,
) -> Result<Vec<(PruneItem, Target)>, PruneError> {
    let mut all = files::all(engine, ledger.snapshots())?;
    let mut left = ledger.total() + all.iter().map(|stored| stored.record.own).sum::<u64>();
    all.sort_by_key(|stored| (stored.need == Need::Useful, stored.record.last_used));
    let mut planned = Vec::new();
    for stored in all {
        let Some(reason) = reason(&stored, request) else {
            continue;
        };
        let is_over = request.keep_storage.is_none_or(|keep| left > keep);
        let is_meant = request
            .filters
            .iter()
            .all(|filter| filter.takes(&stored.record, now));
        if is_meant && (is_over || stored.need == Need::None) {
            left -= stored.record.own;
            let item = PruneItem::new(stored.record.clone(), reason);
            planned.push((item, Target::File(Box::new(stored))));
        }
    }
    Ok(planned)
}

/// Why something may go; none if it may not.
fn reason(stored: &Stored, request: &PruneRequest) -> Option<&'static str> {
    let kind = stored.record.kind;
    // A filter that fits is as good as a name.
    let is_asked_for = request.scope == Scope::All || !request.filters.is_empty();
    match (stored.need, kind) {
        (Need::None, UsageKind::Logs) => Some("older than the last builds"),
        (Need::None, _) => Some("no image and no layer names it"),
        (Need::Useful, UsageKind::CacheMount) if is_asked_for => Some("no step uses it"),
        (Need::Useful, UsageKind::Logs) if is_asked_for => Some("not of the last build"),
        (Need::Useful, _) if is_asked_for => Some("can be made again"),
        (Need::Useful | Need::Needed, _) => None,
    }
}
