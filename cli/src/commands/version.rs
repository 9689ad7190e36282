//! `iechor version`.

use clap::Args;
use serde_json::json;

use crate::error::CliError;
use crate::session::Session;

/// Print the version
#[derive(Debug, Args)]
pub(crate) struct VersionArgs {
    /// As a JSON object
    #[arg(long)]
    json: bool,
}

/// Prints name and version.
pub(crate) fn run(args: &VersionArgs, session: &Session) -> Result<(), CliError> {
    let version = env!("CARGO_PKG_VERSION");
    if args.json {
        return session
            .ui
            .data(json!({ "name": "iechor", "version": version }));
    }
    session.ui.data(format_args!("iechor {version}"))
}
