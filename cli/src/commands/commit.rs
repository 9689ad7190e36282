//! `iechor commit`.

use clap::Args;
use iechor_engine::commit::{self, CommitRequest};

use super::build::pairs;
use crate::error::CliError;
use crate::session::Session;
use crate::signals::SignalWatch;

/// Make an image of what was written to a mount made with `mount --rw`; the mount goes on
#[derive(Debug, Args)]
pub(crate) struct CommitArgs {
    /// The mount: its directory, its id or a prefix of that
    #[arg(value_name = "DIR|ID")]
    mount: String,
    /// Name the image in the local image list; may be repeated
    #[arg(short, long = "tag", value_name = "NAME[:TAG]", value_parser = pairs::image_name)]
    tags: Vec<String>,
    /// What the history of the image says of it; may be repeated, each is a line
    #[arg(short, long = "message", value_name = "MESSAGE")]
    messages: Vec<String>,
    /// Who made it
    #[arg(short, long, value_name = "NAME")]
    author: Option<String>,
    /// Instruction that changes the configuration, as in an iEchorfile: `CMD ["sh"]`, `ENV A=1`,
    /// `USER app`; may be repeated
    #[arg(short, long = "change", value_name = "INSTRUCTION")]
    changes: Vec<String>,
}

/// Commits, and prints the image id.
pub(crate) fn run(args: &CommitArgs, session: &Session) -> Result<(), CliError> {
    // The mount is read-only for a moment: an impatient user must not leave it so.
    let _signals = SignalWatch::start()?;
    let request = CommitRequest {
        mount: &args.mount,
        names: &args.tags,
        messages: &args.messages,
        author: args.author.as_deref(),
        changes: &args.changes,
    };
    let committed = commit::commit(&session.engine_as_left()?, request, session.now())?;
    for name in &committed.names {
        session.ui.status(format_args!("named {name}"));
    }
    session.ui.data(committed.image_id)
}
