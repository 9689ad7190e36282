//! `iechor builder du`.

use clap::Args;
use iechor_engine::usage::{self, Usage, UsageRecord};

use crate::error::CliError;
use crate::session::Session;
use crate::table::{ListArgs, Row, Style};

/// Show what takes space
#[derive(Debug, Args)]
pub(crate) struct DuArgs {
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
        style.id(&self.id)
    }

    fn cells(&self, style: &Style) -> Vec<String> {
        vec![
            style.id(&self.id),
            self.kind.name().to_owned(),
            self.reclaimable.to_string(),
            style.size(self.own),
            style.size(self.shared),
            style.ago(self.last_used),
            style.text(&self.text),
            self.place.clone().unwrap_or_default(),
        ]
    }
}

/// Lists everything that takes space, then the sums.
pub(crate) fn run(args: &DuArgs, session: &Session) -> Result<(), CliError> {
    let usage = usage::usage(&session.engine()?)?;
    args.list.show(&usage.records, session.now(), &session.ui)?;
    if args.list.is_table() {
        session
            .ui
            .text(&totals(&usage, &args.list.style(session.now())))?;
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
