//! `iechor builder du`.

use clap::Args;
use iechor_engine::usage::{self, TreeRow, Usage, UsageId, UsageRecord};
use serde::Serialize;

use crate::error::CliError;
use crate::session::Session;
use crate::table::{ListArgs, Row, Style};

/// Show what takes space
#[derive(Debug, Args)]
pub(crate) struct DuArgs {
    /// List each step under the one it was built on, instead of the largest first
    #[arg(long)]
    tree: bool,
    #[command(flatten)]
    list: ListArgs,
}

impl Row for UsageRecord {
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

    fn id(&self, style: &Style) -> String {
        usage_id(&self.id, style)
    }

    fn cells(&self, style: &Style) -> Vec<String> {
        cells(self, 0, style)
    }
}

impl Row for TreeRow {
    const COLUMNS: &'static [&'static str] = UsageRecord::COLUMNS;

    fn id(&self, style: &Style) -> String {
        usage_id(&self.record.id, style)
    }

    fn cells(&self, style: &Style) -> Vec<String> {
        cells(&self.record, self.depth, style)
    }
}

fn cells(record: &UsageRecord, depth: usize, style: &Style) -> Vec<String> {
    vec![
        usage_id(&record.id, style),
        record.kind.name().to_owned(),
        record.reclaimable.to_string(),
        style.size(record.own),
        style.size(record.shared),
        style.ago(record.last_used),
        "  ".repeat(depth) + &style.text(&record.text),
        record
            .place
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    ]
}

/// What a record is called: of a digest as many digits as the style wants.
pub(super) fn usage_id(id: &UsageId, style: &Style) -> String {
    match id {
        UsageId::Digest(digest) if style.is_short() => digest.short(),
        id => style.id(&id.to_string()),
    }
}

/// Lists everything that takes space, then the sums.
pub(crate) fn run(args: &DuArgs, session: &Session) -> Result<(), CliError> {
    let engine = session.engine()?;
    if args.tree {
        let (rows, usage) = usage::usage_tree(&engine)?;
        show(args, &rows, &usage, session)
    } else {
        let usage = usage::usage(&engine)?;
        show(args, &usage.records, &usage, session)
    }
}

fn show<R: Row + Serialize>(
    args: &DuArgs,
    rows: &[R],
    usage: &Usage,
    session: &Session,
) -> Result<(), CliError> {
    args.list.show(rows, session.now(), &session.ui)?;
    if args.list.is_table() {
        let style = args.list.style(session.now());
        session.ui.text(&totals(usage, &style))?;
    }
    Ok(())
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
