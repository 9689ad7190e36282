//! `iechor pull`.

use clap::Args;
use iechor_engine::{Platform, sources};

use super::build::default_platform;
use super::transfer::{self, STEP, ShowArgs};
use crate::error::CliError;
use crate::progress::Work;
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
    #[command(flatten)]
    show: ShowArgs,
}

/// Fetches it.
pub(crate) fn run(args: PullArgs, session: &Session) -> Result<(), CliError> {
    let asked = args
        .platform
        .map_or_else(default_platform, |platform| Ok(Some(platform)))?;
    let platform = asked.unwrap_or_else(Platform::host);
    let engine = session.engine_with_credentials()?;
    let told = (Work::Pull, "[pull]", args.name.as_str());
    let image = transfer::shown(session, &args.show, told, |progress| {
        Ok(sources::pull(
            &engine, &args.name, &platform, progress, STEP,
        )?)
    })?;
    if args.show.is_quiet() {
        return session.ui.data(image.digest);
    }
    session
        .ui
        .status(format_args!("pulled {} {}", image.name, image.digest));
    Ok(())
}
