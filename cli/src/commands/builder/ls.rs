//! `iechor builder ls`.

use clap::Args;
use iechor_engine::usage::{self, StepRow};

use super::du::usage_id;
use crate::error::CliError;
use crate::session::Session;
use crate::table::{ListArgs, Row, Style};

/// List the cached steps, each under the one it was built on
#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    #[command(flatten)]
    list: ListArgs,
}

impl Row for StepRow {
    const COLUMNS: &'static [&'static str] = &[
        "KEY",
        "STEP",
        "PLACE",
        "SIZE",
        "SHARED",
        "HITS",
        "LAST USED",
    ];

    fn id(&self, style: &Style) -> String {
        usage_id(&self.key, style)
    }

    fn cells(&self, style: &Style) -> Vec<String> {
        vec![
            usage_id(&self.key, style),
            format!("{}{}", "  ".repeat(self.depth), style.text(&self.text)),
            self.place.to_string(),
            style.size(self.own),
            style.size(self.shared),
            self.hits.to_string(),
            style.ago(self.last_used),
        ]
    }
}

/// Lists the steps.
pub(crate) fn run(args: &LsArgs, session: &Session) -> Result<(), CliError> {
    let rows = usage::steps(&session.engine()?)?;
    args.list.show(&rows, session.now(), &session.ui)
}
