//! `iechor builder ls`.

use std::mem::ManuallyDrop;

use clap::Args;
use iechor_engine::usage::{self, StepRow};

use crate::error::CliError;
use crate::session::Session;
use crate::table::{Line, ListArgs, Row};

/// List the cached steps, each under the one it was built on
#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    #[command(flatten)]
    list: ListArgs,
}

impl Row for StepRow<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "KEY",
        "STEP",
        "PLACE",
        "SIZE",
        "SHARED",
        "HITS",
        "LAST USED",
    ];

    fn id(&self, line: &mut Line<'_>) {
        line.usage_id(&self.key);
    }

    fn cells(&self, line: &mut Line<'_>) {
        line.usage_id(&self.key)
            .indented(self.depth, &self.text)
            .place(&self.place)
            .size(self.own)
            .size(self.shared)
            .number(self.hits)
            .ago(self.last_used);
    }
}

/// Lists the steps.
pub(crate) fn run(args: &LsArgs, session: &Session) -> Result<(), CliError> {
    // With 100,000 records the end of the process takes them back faster than we do.
    let steps = ManuallyDrop::new(usage::steps(&session.engine()?)?);
    let row = |number| steps.row(number);
    args.list
        .show_each(steps.count(), row, session.now(), &session.ui)
}
