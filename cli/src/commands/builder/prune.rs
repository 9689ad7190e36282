//! `iechor builder prune`: plan, show, ask, apply.

use std::io::{self, IsTerminal};
use std::mem::ManuallyDrop;

use clap::Args;
use iechor_engine::Engine;
use iechor_engine::prune::{self, Filter, PruneItem, PrunePlan, PruneRequest, Scope};

use crate::error::CliError;
use crate::session::Session;
use crate::table::{Line, ListArgs, Row};
use crate::units::Size;

/// Remove what is no longer needed
#[derive(Debug, Args)]
pub(crate) struct PruneArgs {
    /// Also what images of the local list and the newest build of each iEchorfile used; images keep
    /// their layers
    #[arg(short, long)]
    all: bool,
    /// Do not ask
    #[arg(short, long)]
    force: bool,
    /// Only what matches; several must all match. KEY is until, unused-for, id, type, stage, file,
    /// image, failed, shared, private or inuse, and `!=` (is not) and `~=` (has, or matches with `*`
    /// and `?`) may stand for `=`: `until=24h` (unused for so long), `type=run`, `file~=*/api/*`,
    /// `image!=app`, `shared`
    #[arg(long = "filter", value_name = "KEY=VALUE")]
    filters: Vec<Filter>,
    /// A cap: remove the least recently used only until no more than this is used
    #[arg(long, value_name = "SIZE", visible_alias = "max-used-space")]
    keep_storage: Option<Size>,
    /// A floor: stop when no more than this is used, whatever else is asked
    #[arg(long, value_name = "SIZE")]
    reserved_space: Option<Size>,
    /// Remove the least recently used only until the disk has this much free
    #[arg(long, value_name = "SIZE")]
    min_free_space: Option<Size>,
    /// Show what would be removed and why; remove nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    list: ListArgs,
}

impl Row for PruneItem<'_> {
    const COLUMNS: &'static [&'static str] =
        &["ID", "TYPE", "SIZE", "LAST ACCESSED", "STEP", "REASON"];

    fn id(&self, line: &mut Line<'_>) {
        line.usage_id(&self.record.id);
    }

    fn cells(&self, line: &mut Line<'_>) {
        line.usage_id(&self.record.id)
            .word(self.record.kind.name())
            .size(self.record.own)
            .ago(self.record.last_used)
            .text(&self.record.text)
            .word(self.reason);
    }
}

impl PruneArgs {
    fn request(&self) -> PruneRequest {
        PruneRequest {
            scope: if self.all { Scope::All } else { Scope::Unused },
            filters: self.filters.clone(),
            max_used: self.keep_storage.map(|Size(bytes)| bytes),
            reserved: self.reserved_space.map(|Size(bytes)| bytes),
            min_free: self.min_free_space.map(|Size(bytes)| bytes),
        }
    }
}

/// Removes what the plan names, once the user agrees.
pub(crate) fn run(args: PruneArgs, session: &Session) -> Result<(), CliError> {
    let engine = session.engine()?;
    let plan = prune::plan(&engine, &args.request(), session.now())?;
    if args.dry_run {
        // With 100,000 records the end of the process takes them back faster.
        let plan = ManuallyDrop::new(plan);
        let item = |number| plan.item(number);
        return show(&args, plan.count(), item, plan.bytes(), session);
    }
    if !agreed(&args, &plan, session)? {
        session.ui.note("nothing was removed");
        return Ok(());
    }
    apply(&args, &engine, plan, session)
}

fn apply(
    args: &PruneArgs,
    engine: &Engine,
    plan: PrunePlan,
    session: &Session,
) -> Result<(), CliError> {
    let report = prune::apply(engine, plan)?;
    let items = &report.items;
    let item = |number: usize| &items[number];
    show(args, items.len(), item, report.bytes, session)
}

/// Nothing to remove needs no question; no terminal and no `--force` is never a silent yes.
fn agreed(args: &PruneArgs, plan: &PrunePlan, session: &Session) -> Result<bool, CliError> {
    let count = plan.count();
    if args.force || count == 0 {
        return Ok(true);
    }
    let question = format!(
        "{count} record{} would be removed, {} freed. Continue?",
        if count == 1 { "" } else { "s" },
        Size(plan.bytes())
    );
    if io::stdin().is_terminal() && io::stderr().is_terminal() {
        return Ok(session.ui.confirm(question));
    }
    Err(CliError::usage_with_hint(
        format!("{question} There is no terminal to answer on"),
        "add --force to remove them, or --dry-run to see them",
    ))
}

fn show<R: Row>(
    args: &PruneArgs,
    count: usize,
    item: impl Fn(usize) -> R + Sync,
    bytes: u64,
    session: &Session,
) -> Result<(), CliError> {
    args.list
        .show_each(count, item, session.now(), &session.ui)?;
    if args.list.is_table() {
        session.ui.data(format_args!(
            "\nTotal:  {}",
            args.list.style(session.now()).size(bytes)
        ))?;
    }
    Ok(())
}
