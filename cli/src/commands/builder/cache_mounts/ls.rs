//! `iechor builder cache-mounts ls`.

use clap::Args;
use iechor_engine::cache_mounts::{self, CacheMountInfo};

use crate::error::CliError;
use crate::session::Session;
use crate::table::{ListArgs, Row, Style};

/// List the cache mounts
#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    #[command(flatten)]
    list: ListArgs,
}

impl Row for CacheMountInfo {
    const COLUMNS: &'static [&'static str] = &["ID", "DIRECTORY", "SIZE", "LAST USED", "IN USE"];

    fn id(&self, _: &Style) -> String {
        self.id.clone()
    }

    fn cells(&self, style: &Style) -> Vec<String> {
        vec![
            style.text(&self.id),
            style.id(&self.directory),
            style.size(self.bytes),
            style.ago(self.last_used),
            self.in_use.to_string(),
        ]
    }
}

/// Lists them.
pub(crate) fn run(args: &LsArgs, session: &Session) -> Result<(), CliError> {
    let mounts = cache_mounts::list(&session.engine()?)?;
    args.list.show(&mounts, session.now(), &session.ui)
}
