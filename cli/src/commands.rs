//! One file a command: parse, call the engine, show.

pub(crate) mod blame;
pub(crate) mod build;
pub(crate) mod builder;
pub(crate) mod cat;
pub(crate) mod commit;
pub(crate) mod completion;
pub(crate) mod cp;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod graph;
pub(crate) mod history;
pub(crate) mod images;
pub(crate) mod inspect;
pub(crate) mod logs;
pub(crate) mod ls;
pub(crate) mod man;
pub(crate) mod mount;
pub(crate) mod mounts;
pub(crate) mod pull;
pub(crate) mod push;
pub(crate) mod report;
pub(crate) mod rmi;
pub(crate) mod shell;
pub(crate) mod tag;
mod transfer;
pub(crate) mod umount;
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
    let program = cli.global.program();
    match dispatch(cli, ui) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !error.is_silent() {
                ui.error(&error, &program);
            }
            error.exit_code()
        }
    }
}

fn dispatch(cli: Cli, ui: Ui) -> Result<(), CliError> {
    let session = Session::new(cli.global, ui)?;
    match cli.command {
        Command::Build(args) => build::run(*args, &session),
        Command::Builder { command } => builder::run(command, &session),
        Command::Du(args) => builder::du::run(&args, &session),
        Command::Prune(args) => builder::prune::run(args, &session),
        Command::Why(args) => builder::why::run(&args, &session),
        Command::Images(args) => images::run(&args, &session),
        Command::Rmi(args) => rmi::run(&args, &session),
        Command::Tag(args) => tag::run(&args, &session),
        Command::Inspect(args) => inspect::run(&args, &session),
        Command::Pull(args) => pull::run(args, &session),
        Command::Push(args) => push::run(&args, &session),
        Command::Mount(args) => mount::run(args, &session),
        Command::Umount(args) => umount::run(&args, &session),
        Command::Commit(args) => commit::run(&args, &session),
        Command::Shell(args) => shell::run(args, &session),
        Command::Mounts(args) => mounts::run(&args, &session),
        Command::Logs(args) => logs::run(&args, &session),
        Command::History(args) => history::run(&args, &session),
        Command::Report(args) => report::run(&args, &session),
        Command::Graph(args) => graph::run(&args, &session),
        Command::Diff(args) => diff::run(&args, &session),
        Command::Ls(args) => ls::run(&args, &session),
        Command::Cat(args) => cat::run(&args, &session),
        Command::Cp(args) => cp::run(&args, &session),
        Command::Blame(args) => blame::run(&args, &session),
        Command::Doctor(args) => doctor::run(&args, &session),
        Command::Completion(args) => completion::run(&args, &session),
        Command::Man(args) => man::run(args, &session),
        Command::Version(args) => version::run(&args, &session),
    }
}
