//! One file a command: parse, call the engine, show.

pub(crate) mod build;
pub(crate) mod version;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::error::CliError;
use crate::session::Session;
use crate::ui::Ui;

/// Runs the command that the process was started with. clap ends it with 2 when it makes no sense.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let ui = Ui::new(cli.global.debug);
    match dispatch(cli, ui) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !error.is_silent() {
                ui.error(&error);
            }
            error.exit_code()
        }
    }
}

fn dispatch(cli: Cli, ui: Ui) -> Result<(), CliError> {
    let session = Session::new(cli.global, ui)?;
    match cli.command {
        Command::Build(args) => build::run(*args, &session),
        Command::Version(args) => version::run(&args, &session),
    }
}
