//! `RUN`.

use super::command::command_line;
use super::line::{Line, with_heredocs};
use super::mount::mounts;
use super::report::Report;
use crate::ast::{CommandLine, Network, Run, RunCommand, Text};
use crate::diagnostic::{Code, Diagnostic};
use crate::heredoc::opening;

pub(super) fn run(line: &mut Line<'_>, report: &mut Report) -> Option<Run> {
    let mounts = mounts(line, report);
    let network = network(line, report);
    check_security(line, report);
    let command = command(line, report)?;
    Some(Run {
        mounts,
        network,
        command,
    })
}

fn network(line: &mut Line<'_>, report: &mut Report) -> Network {
    let Some(value) = line.flags.text("network", report) else {
        return Network::default();
    };
    let words = Network::WORDS.map(|(word, _)| word);
    let known = Network::WORDS.iter().find(|(word, _)| *word == value.raw());
    if known.is_none() {
        report_choice("network", &value, &words, report);
    }
    known.map(|(_, network)| *network).unwrap_or_default()
}

/// There is nothing but the sandbox; the flag may say so.
fn check_security(line: &mut Line<'_>, report: &mut Report) {
    let Some(value) = line.flags.text("security", report) else {
        return;
    };
    match value.raw() {
        "sandbox" => {}
        "insecure" => {
            let message = "--security=insecure is not supported";
            let error = Diagnostic::error(Code::UNSUPPORTED, value.span(), message);
            report.add(error.label("every step runs in the sandbox"));
        }
        _ => report_choice("security", &value, &["sandbox"], report),
    }
}

fn report_choice(flag: &str, value: &Text, words: &[&'static str], report: &mut Report) {
    let message = format!("flag --{flag} can't be {:?}", value.raw());
    let error = Diagnostic::error(Code::INVALID_FLAG_VALUE, value.span(), message)
        .label(format!("must be {}", words.join(", ")))
        .suggest(value.raw(), words.iter().copied());
    report.add(error);
}

fn command(line: &Line<'_>, report: &mut Report) -> Option<RunCommand> {
    match command_line(line, report)? {
        CommandLine::Exec(argv) if argv.is_empty() => {
            report.missing_argument(line, "a program");
            None
        }
        CommandLine::Exec(argv) => Some(RunCommand::Exec(argv)),
        CommandLine::Shell(command) => Some(shell_command(line, command)),
    }
}

/// A heredoc that is the whole command is the script; others are for the shell to read.
fn shell_command(line: &Line<'_>, command: Text) -> RunCommand {
    match line.heredocs.as_slice() {
        [] => RunCommand::Shell(command),
        [only] if opening(&line.rest).is_some() => match only.has_shebang() {
            true => RunCommand::Program(only.clone()),
            false => RunCommand::Script(only.clone()),
        },
        heredocs => RunCommand::ShellWithHeredocs {
            script: with_heredocs(command.raw().to_owned(), heredocs),
            heredocs: heredocs.to_vec(),
            command,
        },
    }
}
