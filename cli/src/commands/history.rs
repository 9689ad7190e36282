//! `iechor history`.

use std::time::Duration;

use clap::Args;
use iechor_engine::history::{self, BuildEntry, StepEntry};

use crate::error::CliError;
use crate::session::Session;
use crate::table::{Line, ListArgs, Row};
use crate::units::Seconds;

/// List past builds, or the steps of one
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// Number of a build: how each of its steps went
    #[arg(value_name = "BUILD")]
    build: Option<i64>,
    /// How many builds are listed, newest first
    #[arg(
        short = 'n',
        long,
        value_name = "NUMBER",
        default_value_t = 20,
        conflicts_with = "build"
    )]
    last: usize,
    #[command(flatten)]
    list: ListArgs,
}

impl Row for BuildEntry {
    const COLUMNS: &'static [&'static str] = &[
        "BUILD", "STATUS", "STARTED", "TIME", "HIT", "MISS", "FAILED", "WRITTEN", "FILE", "TAGS",
    ];

    fn id(&self, line: &mut Line<'_>) {
        line.show(self.id);
    }

    fn cells(&self, line: &mut Line<'_>) {
        line.show(self.id)
            .word(self.status)
            .ago(self.started)
            .word(self.duration_ms.map_or_else(String::new, seconds))
            .show(self.hits)
            .show(self.misses)
            .show(self.failed)
            .size(self.bytes)
            .word(&self.file)
            .word(self.tags.join(" "));
    }
}

impl Row for StepEntry {
    const COLUMNS: &'static [&'static str] = &[
        "STEP", "STAGE", "OUTCOME", "TIME", "WRITTEN", "PLACE", "TEXT", "WHY",
    ];

    fn id(&self, line: &mut Line<'_>) {
        line.id(self.record.as_deref().unwrap_or_default());
    }

    fn cells(&self, line: &mut Line<'_>) {
        line.show(self.number)
            .word(&self.stage)
            .word(self.outcome)
            .word(seconds(self.duration_ms))
            .size(self.bytes)
            .word(&self.place)
            .text(&self.text)
            .text(self.reason.as_deref().unwrap_or_default());
    }
}

fn seconds(milliseconds: u64) -> String {
    Seconds(Duration::from_millis(milliseconds)).to_string()
}

/// Lists them.
pub(crate) fn run(args: &HistoryArgs, session: &Session) -> Result<(), CliError> {
    let engine = session.engine()?;
    let (now, ui) = (session.now(), &session.ui);
    match args.build {
        Some(build) => args.list.show(&history::steps(&engine, build)?, now, ui),
        None => args
            .list
            .show(&history::builds(&engine, args.last)?, now, ui),
    }
}
