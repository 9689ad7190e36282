//! `iechor pull`.

use clap::Args;
use iechor_engine::{Platform, sources};

use super::build::default_platform;
use super::transfer::{self, STEP};
use crate::error::CliError;
use crate::progress::Mode;
use crate::session::Session;

/// Fetch an image from its registry into the local list
#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    /// The image
    #[arg(value_name = "NAME[:TAG|@DIGEST]")]
    name: String,
    /// Platform to fetch [default: $DOCKER_DEFAULT_PLATFORM, else the host's]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<Platform>,
    /// Show no progress; print the image's digest
    #[arg(short, long)]
    quiet: bool,
}

/// Fetches it.
pub(crate) fn run(args: PullArgs, session: &Session) -> Result<(), CliError> {
    let asked = args
        .platform
        .map_or_else(default_platform, |platform| Ok(Some(platform)))?;
    let platform = asked.unwrap_or_else(Platform::host);
    let engine = session.engine_with_credentials()?;
    let mode = args.quiet.then_some(Mode::Quiet);
    let image = transfer::shown(session, mode, ("[pull]", &args.name), |progress| {
        Ok(sources::pull(
            &engine, &args.name, &platform, progress, STEP,
        )?)
    })?;
    if args.quiet {
        return session.ui.data(image.digest);
    }
    session
        .ui
        .status(format_args!("pulled {} {}", image.name, image.digest));
    Ok(())
}
