//! `iechor mounts`.

use clap::Args;
use iechor_engine::mounts::{self, MountAccess, MountEntry, MountState};

use crate::error::CliError;
use crate::session::Session;
use crate::table::{Line, ListArgs, Row};

/// List the mounts that `mount` made
#[derive(Debug, Args)]
pub(crate) struct MountsArgs {
    #[command(flatten)]
    list: ListArgs,
}

impl Row for MountEntry {
    const COLUMNS: &'static [&'static str] =
        &["ID", "STATE", "ACCESS", "CREATED", "DIRECTORY", "WHAT"];

    fn id(&self, line: &mut Line<'_>) {
        line.id(&self.record.id);
    }

    fn cells(&self, line: &mut Line<'_>) {
        let state = match self.state {
            MountState::Alive => "alive",
            MountState::Dead => "dead",
        };
        let access = match self.record.access {
            MountAccess::ReadOnly => "ro",
            MountAccess::Scratch { .. } => "rw",
        };
        line.id(&self.record.id)
            .word(state)
            .word(access)
            .ago(self.record.created)
            .show(self.record.dir.display())
            .text(&self.record.title);
    }
}

/// Lists them, and says which had died.
pub(crate) fn run(args: &MountsArgs, session: &Session) -> Result<(), CliError> {
    let mounts = mounts::list(&session.engine_as_left()?)?;
    mounts
        .iter()
        .filter(|mount| mount.state == MountState::Dead)
        .for_each(|dead| session.tell_dead(&dead.record));
    args.list.show(&mounts, session.now(), &session.ui)
}
