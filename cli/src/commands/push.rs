//! `iechor push`.

use clap::Args;
use iechor_engine::output;

use super::transfer::{self, STEP};
use crate::error::CliError;
use crate::progress::Mode;
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
    /// Show no progress; print the manifest's digest
    #[arg(short, long)]
    quiet: bool,
}

/// Sends it.
pub(crate) fn run(args: &PushArgs, session: &Session) -> Result<(), CliError> {
    let engine = session.engine_with_credentials()?;
    let mode = args.quiet.then_some(Mode::Quiet);
    let dest = args.dest.as_deref();
    let manifest = transfer::shown(session, mode, ("[push]", &args.name), |progress| {
        Ok(output::push(&engine, &args.name, dest, progress, STEP)?)
    })?;
    if args.quiet {
        return session.ui.data(manifest.digest);
    }
    let name = dest.unwrap_or(&args.name);
    session
        .ui
        .status(format_args!("pushed {name} {}", manifest.digest));
    Ok(())
}
