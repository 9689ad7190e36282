//! `iechor mounts`.

use clap::Args;
use iechor_engine::mounts::{self, MountEntry, MountState};

use crate::error::CliError;
use crate::session::Session;
use crate::table::{ListArgs, Row, Style};

/// List the mounts that `mount` made
#[derive(Debug, Args)]
pub(crate) struct MountsArgs {
    #[command(flatten)]
    list: ListArgs,
}

impl Row for MountEntry {
    const COLUMNS: &'static [&'static str] = &["ID", "STATE", "CREATED", "DIRECTORY", "WHAT"];

    fn id(&self, style: &Style) -> String {
        style.id(&self.record.id)
    }

    fn cells(&self, style: &Style) -> Vec<String> {
        let state = match self.state {
            MountState::Alive => "alive",
            MountState::Dead => "dead",
        };
        vec![
            style.id(&self.record.id),
            state.to_owned(),
            style.ago(self.record.created),
            self.record.dir.display().to_string(),
            style.text(&self.record.title),
        ]
    }
}

/// Lists them, and says which had died.
pub(crate) fn run(args: &MountsArgs, session: &Session) -> Result<(), CliError> {
    let mounts = mounts::list(&session.engine()?)?;
    for dead in mounts
        .iter()
        .filter(|mount| mount.state == MountState::Dead)
    {
        let dir = dead.record.dir.display();
        session.ui.warning(format_args!(
            "the server of the mount at {dir} had died; it is unmounted"
        ));
    }
    args.list.show(&mounts, session.now(), &session.ui)
}
