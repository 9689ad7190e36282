//! What may go beside the store: contents, cache mounts, logs.

use iechor_cachedb::UnixMillis;
use iechor_cachedb::gc::{Budget, Filter, GcPolicy, Subject, Usage};

use super::{PruneError, PruneRequest, Scope};
use crate::state::Engine;
use crate::usage::UsageKind;
use crate::usage::files::{self, Need, Stored};
use crate::usage::ledger::Ledger;

/// What goes while the store is as the ledger says: first what nothing needs, whatever the budget,
/// then what is least recently used.
pub(super) fn plan(
    engine: &Engine,
    request: &PruneRequest,
    now: UnixMillis,
    ledger: &Ledger,
    found: &[Stored],
) -> Result<Vec<(Stored, &'static str)>, PruneError> {
    let policy = request.policy();
    let mut budget = Budget::new(&policy, Usage::total(ledger), ledger.free());
    let mut files = files::judged(engine, found, ledger)?;
    files.sort_by_key(|stored| (stored.need == Need::Useful, stored.record.last_used));
    let mut planned = Vec::new();
    for stored in files {
        let Some(reason) = reason(&stored, request) else {
            continue;
        };
        let is_wanted = stored.need == Need::None || budget.demand().is_some();
        if is_wanted && is_meant(&stored, &policy, now) {
            budget.give_back(stored.record.own);
            planned.push((stored, reason));
        }
    }
    Ok(planned)
}

/// Why something may go; none if it may not.
fn reason(stored: &Stored, request: &PruneRequest) -> Option<&'static str> {
    // A filter that names things is as good as -a.
    let is_named = request.filters.iter().any(Filter::names_things);
    let is_asked_for = request.scope == Scope::All || is_named;
    match (stored.need, stored.record.kind) {
        (Need::None, UsageKind::Logs) => Some("older than the last builds"),
        (Need::None, _) => Some("no image and no layer names it"),
        (Need::Useful, UsageKind::CacheMount) if is_asked_for => Some("no step uses it"),
        (Need::Useful, UsageKind::Logs) if is_asked_for => Some("not of the last build"),
        (Need::Useful, _) if is_asked_for => Some("can be made again"),
        (Need::Useful | Need::Needed, _) => None,
    }
}

/// Whether all filters hold.
fn is_meant(stored: &Stored, policy: &GcPolicy, now: UnixMillis) -> bool {
    let record = &stored.record;
    let subject = Subject {
        ids: &|| vec![record.id.digits()],
        kinds: &[record.kind.name()],
        stage: None,
        file: None,
        images: None,
        last_used: UnixMillis(record.last_used.saturating_mul(1000)),
        failed: false,
        in_use: stored.need == Need::Needed,
        shared: &|| false,
    };
    let filters = &policy.filters;
    filters.iter().all(|filter| filter.matches(&subject, now))
}
