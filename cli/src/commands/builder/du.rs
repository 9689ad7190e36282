//! `iechor builder du`.

use std::mem::ManuallyDrop;

use clap::Args;
use iechor_engine::usage::{self, TreeRow, Usage, UsageRecord};

use crate::error::CliError;
use crate::session::Session;
use crate::table::{Line, ListArgs, Row, Style};

/// Show what takes space
#[derive(Debug, Args)]
pub(crate) struct DuArgs {
    /// List each step under the one it was built on, instead of the largest first
    #[arg(long)]
    tree: bool,
    #[command(flatten)]
    list: ListArgs,
}

impl Row for UsageRecord<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "ID",
        "TYPE",
        "RECLAIMABLE",
        "SIZE",
        "SHARED",
        "LAST ACCESSED",
        "STEP",
        "PLACE",
    ];

    fn id(&self, line: &mut Line<'_>) {
        line.usage_id(&self.id);
    }

    fn cells(&self, line: &mut Line<'_>) {
        cells(self, 0, line);
    }
}

impl Row for TreeRow<'_> {
    const COLUMNS: &'static [&'static str] = UsageRecord::COLUMNS;

    fn id(&self, line: &mut Line<'_>) {
        line.usage_id(&self.record.id);
    }

    fn cells(&self, line: &mut Line<'_>) {
        cells(&self.record, self.depth, line);
    }
}

fn cells(record: &UsageRecord<'_>, depth: usize, line: &mut Line<'_>) {
    line.usage_id(&record.id)
        .word(record.kind.name())
        .word(if record.reclaimable { "true" } else { "false" })
        .size(record.own)
        .size(record.shared)
        .ago(record.last_used)
        .indented(depth, &record.text);
    match &record.place {
        Some(place) => line.place(place),
        None => line.word(""),
    };
}

/// Lists everything that takes space, then the sums.
pub(crate) fn run(args: &DuArgs, session: &Session) -> Result<(), CliError> {
    let engine = session.engine()?;
    // With 100,000 records the end of the process takes them back faster than we do.
    if args.tree {
        let tree = ManuallyDrop::new(usage::usage_tree(&engine)?);
        let usage = tree.usage();
        show(
            args,
            usage.count(),
            |number| tree.row(number),
            usage,
            session,
        )
    } else {
        let usage = ManuallyDrop::new(usage::usage(&engine)?);
        // People are spared what takes nothing; programs are not.
        let count = match args.list.is_table() {
            true => usage.count_with_bytes(),
            false => usage.count(),
        };
        show(args, count, |number| usage.record(number), &usage, session)
    }
}

fn show<R: Row>(
    args: &DuArgs,
    count: usize,
    row: impl Fn(usize) -> R + Sync,
    usage: &Usage,
    session: &Session,
) -> Result<(), CliError> {
    args.list
        .show_each(count, row, session.now(), &session.ui)?;
    if args.list.is_table() {
        let style = args.list.style(session.now());
        session.ui.text(&rest(usage.count() - count))?;
        session.ui.text(&totals(usage, &style))?;
    }
    Ok(())
}

/// What is said of records that take nothing and are not listed.
fn rest(count: usize) -> String {
    match count {
        0 => String::new(),
        _ => format!("\n{count} more take no space: see `builder ls`, or --tree\n"),
    }
}

fn totals(usage: &Usage, style: &Style) -> String {
    format!(
        "\nShared:       {}\nPrivate:      {}\nReclaimable:  {}\nTotal:        {}\n",
        style.size(usage.shared),
        style.size(usage.private),
        style.size(usage.reclaimable),
        style.size(usage.total),
    )
}
