//! `iechor push`.

use clap::Args;
use iechor_engine::output;

use super::transfer::{self, STEP, ShowArgs};
use crate::error::CliError;
use crate::progress::Work;
use crate::session::Session;

/// Send an image of the local list to a registry
#[derive(Debug, Args)]
pub(crate) struct PushArgs {
    /// Name of the image
    #[arg(value_name = "NAME[:TAG]")]
    name: String,
    /// Where to, when not to where its name says
    #[arg(value_name = "DESTINATION")]
    dest: Option<String>,
    #[command(flatten)]
    show: ShowArgs,
}

/// Sends it.
pub(crate) fn run(args: &PushArgs, session: &Session) -> Result<(), CliError> {
    let engine = session.engine_with_credentials()?;
    let dest = args.dest.as_deref();
    let name = dest.unwrap_or(&args.name);
    let told = (Work::Push, "[push]", name);
    let manifest = transfer::shown(session, &args.show, told, |progress| {
        Ok(output::push(&engine, &args.name, dest, progress, STEP)?)
    })?;
    if args.show.is_quiet() {
        return session.ui.data(manifest.digest);
    }
    session
        .ui
        .status(format_args!("pushed {name} {}", manifest.digest));
    Ok(())
}
