//! `iechor builder cache-mounts ls`.

use clap::Args;
use iechor_engine::cache_mounts::{self, CacheMountInfo};

use crate::error::CliError;
use crate::session::Session;
use crate::table::{Line, ListArgs, Row};

/// List the cache mounts
#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    #[command(flatten)]
    list: ListArgs,
}

impl Row for CacheMountInfo {
    const COLUMNS: &'static [&'static str] = &["ID", "DIRECTORY", "SIZE", "LAST USED", "IN USE"];

    fn id(&self, line: &mut Line<'_>) {
        line.word(&self.id);
    }

    fn cells(&self, line: &mut Line<'_>) {
        line.text(&self.id)
            .id(&self.directory)
            .size(self.bytes)
            .ago(self.last_used)
            .show(self.in_use);
    }
}

/// Lists them.
pub(crate) fn run(args: &LsArgs, session: &Session) -> Result<(), CliError> {
    let mounts = cache_mounts::list(&session.engine()?)?;
    args.list.show(&mounts, session.now(), &session.ui)
}
