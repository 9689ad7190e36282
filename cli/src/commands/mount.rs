//! `iechor mount`, and the server that it leaves behind.

use std::path::PathBuf;

use clap::Args;
use iechor_engine::mounts::{self, MountRequest, Writes};
use iechor_engine::reference::Selector;

use crate::error::CliError;
use crate::session::Session;

/// Mount the files of an image, stage, step or snapshot; the mount stays until `umount`
#[derive(Debug, Args)]
pub(crate) struct MountArgs {
    /// An image, a stage of the last build (`build`), a step of it (`build:2`), or a prefix of a
    /// key or snapshot id
    #[arg(value_name = "REF", required_unless_present = "failed")]
    reference: Option<String>,
    /// Where; must be an empty directory [default: one in the state directory]
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// What the step that failed last had left
    #[arg(long)]
    failed: bool,
    /// Let it be written: changes go to a scratch layer that `umount` throws away
    #[arg(long)]
    rw: bool,
}

impl MountArgs {
    /// With `--failed` there is no REF, and the only argument is DIR.
    fn split(self) -> Result<(Selector, Option<PathBuf>), CliError> {
        match (self.failed, self.reference, self.dir) {
            (true, Some(_), Some(_)) => Err(CliError::usage(
                "--failed takes the place of REF: give at most DIR with it",
            )),
            (true, dir, _) => Ok((Selector::Failed, dir.map(PathBuf::from))),
            (false, Some(reference), dir) => Ok((Selector::Named(reference), dir)),
            (false, None, _) => Err(CliError::usage(
                "what is to be mounted? Give REF or --failed",
            )),
        }
    }
}

/// Mounts, and prints where.
pub(crate) fn run(args: MountArgs, session: &Session) -> Result<(), CliError> {
    let writes = match args.rw {
        true => Writes::Scratch,
        false => Writes::Refused,
    };
    let (what, dir) = args.split()?;
    let request = MountRequest {
        what: &what,
        dir: dir.as_deref(),
        writes,
    };
    let record = mounts::mount(&session.engine()?, request, session.now())?;
    session.ui.status(format_args!("mounted {}", record.title));
    session.ui.data(record.dir.display())
}
