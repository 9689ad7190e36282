//! `iechor tag`.

use clap::Args;
use iechor_engine::images;

use crate::error::CliError;
use crate::session::Session;

/// Give an image of the local list another name
#[derive(Debug, Args)]
pub(crate) struct TagArgs {
    /// Name or id of the image
    #[arg(value_name = "IMAGE")]
    source: String,
    /// The name that it gets
    #[arg(value_name = "NAME[:TAG]")]
    name: String,
}

/// Names it.
pub(crate) fn run(args: &TagArgs, session: &Session) -> Result<(), CliError> {
    let name = images::tag(&session.engine()?, &args.source, &args.name)?;
    session.ui.status(format_args!("tagged {name}"));
    Ok(())
}
