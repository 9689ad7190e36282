//! Applying a plan.

use std::collections::HashSet;
use std::path::Path;

use iechor_cachedb::gc::{GcItem, GcPlan, GcTarget, GcView};
use iechor_cachedb::{BuildId, BuildStatus, RecordId};
use iechor_snapshotter::{Digest, SnapshotId};

use super::{Going, Plan, PruneError, PrunePlan, PruneReport};
use crate::cache_mounts::directory::{self, MountLock};
use crate::history;
use crate::hold::Held;
use crate::logs;
use crate::state::Engine;
use crate::usage::census::{Census, Trust};
use crate::usage::files::{Named, Need, Place, Stored};
use crate::usage::ledger::Ledger;

/// Removes what the plan names, except what was leased, named or used since.
///
/// # Locking
///
/// Waits until no build is between making a layer and recording it, and closes the gate of the
/// leases meanwhile; then waits for layers under way, to sweep blobs.
///
/// # Errors
///
/// [`PruneError`]; what had gone by then is gone.
pub fn apply(engine: &Engine, plan: PrunePlan) -> Result<PruneReport, PruneError> {
    let PrunePlan { plan, inventory } = plan;
    let layers = remove_layers(engine, &plan)?;
    let swept = engine.store().sweep()?.bytes;
    let files = remove_files(engine, &plan)?;
    logs::sweep(engine)?;
    // For the next listing; a file of what is gone is none that anybody needs.
    Census::take(engine, Trust::Times)?;
    let bytes = layers.bytes + swept + files.iter().map(|stored| stored.record.own).sum::<u64>();
    let is_gone = |going: &Going<'_>| match going {
        Going::Leftover(..) => true,
        Going::Row(item) => layers.removed.contains(&name_of(item)),
        Going::File(stored, _) => files.iter().any(|gone| gone.record.id == stored.record.id),
    };
    let gone = plan.all().filter(is_gone);
    let listing = inventory.prunable.records();
    let items = gone.map(|going| going.item(listing).into_owned()).collect();
    Ok(PruneReport { items, bytes })
}

/// What is gone from the store.
struct Layers {
    removed: HashSet<RowName>,
    /// Of the layer indexes; blobs are swept later.
    bytes: u64,
}

/// What tells one row of the cache from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum RowName {
    Record(RecordId),
    Image(Digest),
    Failed(SnapshotId),
}

fn name_of(item: &GcItem) -> RowName {
    match &item.target {
        GcTarget::Record { id, .. } => RowName::Record(*id),
        GcTarget::Image(image) => RowName::Image(image.id),
        GcTarget::FailedState(state) => RowName::Failed(state.snapshot),
    }
}

/// Removes the rows, then every layer that nothing names any more.
fn remove_layers(engine: &Engine, plan: &Plan) -> Result<Layers, PruneError> {
    let _no_holds = Held::Snapshots.wait_until_free(engine)?;
    let _gate = engine.leases().close_gate()?;
    let removed = remove_rows(engine, plan)?;
    let bytes = remove_orphans(engine)?;
    Ok(Layers { removed, bytes })
}

/// Removes what no row, image or lease names any more, and nothing else.
///
/// # Locking
///
/// As [`apply`].
pub(crate) fn sweep(engine: &Engine) -> Result<(), PruneError> {
    {
        let _no_holds = Held::Snapshots.wait_until_free(engine)?;
        let _gate = engine.leases().close_gate()?;
        remove_orphans(engine)?;
    }
    engine.store().sweep()?;
    Ok(())
}

/// Removes every layer that nothing names, with the gate of the leases closed; gives the bytes.
fn remove_orphans(engine: &Engine) -> Result<u64, PruneError> {
    // What goes is decided on what the disk has, not on what it had at the last census.
    let census = Census::take(engine, Trust::Nothing)?;
    let mut ledger = Ledger::open(engine, census)?;
    ledger.root(&engine.cache().referenced_snapshots()?);
    let mut bytes = 0;
    for orphan in ledger.orphans() {
        bytes += engine.store().remove(orphan)?;
    }
    Ok(bytes)
}

fn remove_rows(engine: &Engine, plan: &Plan) -> Result<HashSet<RowName>, PruneError> {
    let leased = engine.leases().leased()?;
    let view = GcView {
        now: plan.now,
        leased: &|snapshot| leased.contains(snapshot),
    };
    let rows = GcPlan {
        items: plan.rows.clone(),
        ..GcPlan::default()
    };
    let outcome = engine.cache().apply_gc(&rows, view)?;
    Ok(outcome.removed.iter().map(name_of).collect())
}

/// Removes what was planned beside the store and is still not needed.
fn remove_files(engine: &Engine, plan: &Plan) -> Result<Vec<Stored>, PruneError> {
    let planned = plan.files.iter().map(|(stored, _)| stored.clone());
    let mut removed = Vec::new();
    // While an import or an export is under way, contents may be without a name only yet.
    let contents = Held::Content.if_free(engine)?;
    let named = Named::now(engine)?;
    for stored in planned {
        let is_gone = match &stored.place {
            Place::Content(_) if contents.is_none() => false,
            // Something may name it by now.
            Place::Content(digest) if named.need_of(digest) != stored.need => false,
            Place::Content(digest) => engine.content().remove(digest).map(|()| true)?,
            Place::CacheMount(dir) => remove_cache_mount(dir)?,
            Place::Logs(build, dir) => remove_logs(engine, *build, dir, stored.need)?,
        };
        removed.extend(is_gone.then_some(stored));
    }
    Ok(removed)
}

/// `false` when a step uses it by now.
fn remove_cache_mount(dir: &Path) -> Result<bool, PruneError> {
    let MountLock::Free(_lock) = directory::lock(dir)? else {
        return Ok(false);
    };
    directory::remove_tree(dir)?;
    Ok(true)
}

fn remove_logs(
    engine: &Engine,
    build: BuildId,
    dir: &Path,
    need: Need,
) -> Result<bool, PruneError> {
    let known = engine.cache().build(build)?;
    let unended = known.filter(|build| build.status == BuildStatus::Running);
    if let Some(unended) = unended {
        // It may have begun since the plan was made.
        if !history::is_killed(engine, &unended)? {
            return Ok(false);
        }
        // Nothing will tell any more that it has ended.
        let cancelled = BuildStatus::Cancelled;
        let cache = engine.cache();
        cache.finish_build(build, cancelled, None, unended.started)?;
    }
    // A build of long ago goes from the history with its logs.
    if need == Need::None {
        engine.cache().delete_build(build)?;
    }
    directory::remove_tree(dir)?;
    Ok(true)
}
