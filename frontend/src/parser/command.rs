//! Commands: `CMD`, `ENTRYPOINT` and `SHELL`, and the two forms that RUN shares with them.

use super::line::Line;
use super::report::Report;
use crate::ast::{CommandLine, Text};
use crate::diagnostic::{Code, Diagnostic};
use crate::fragment::Fragment;

pub(super) fn cmd_or_entrypoint(line: &mut Line<'_>, report: &mut Report) -> Option<CommandLine> {
    command_line(line, report)
}

/// The arguments as a command: exec form if they are a JSON array, else for the shell.
pub(super) fn command_line(line: &Line<'_>, report: &mut Report) -> Option<CommandLine> {
    if line.rest.is_empty() {
        report.missing_argument(line, "a command");
        return None;
    }
    match line.json(report).ok()? {
        Some(strings) => Some(CommandLine::Exec(decoded(&strings))),
        None => {
            warn_if_json_like(&line.rest, report);
            Some(CommandLine::Shell(line.rest.text()))
        }
    }
}

pub(super) fn decoded(strings: &[Text]) -> Vec<String> {
    strings
        .iter()
        .map(|string| string.raw().to_owned())
        .collect()
}

/// A command in brackets that is no JSON is the shell's `[`, or a slip.
fn warn_if_json_like(rest: &Fragment<'_>, report: &mut Report) {
    let text = rest.as_str();
    let quoted = text.strip_prefix('[').map(str::trim_start);
    let looks_quoted = quoted.is_some_and(|inner| inner.starts_with(['"', '\'', '“', '‘']));
    if looks_quoted && text.ends_with(']') {
        let message = "this looks like a JSON array and is none, so the shell gets it";
        report.add(
            Diagnostic::warning(Code::JSON_LIKE, rest.span(), message)
                .help("JSON strings are in double quotes, with commas between them"),
        );
    }
}

/// SHELL, which has no other form than JSON.
pub(super) fn shell(line: &mut Line<'_>, report: &mut Report) -> Option<Vec<String>> {
    match line.json(report).ok()? {
        Some(strings) if !strings.is_empty() => Some(decoded(&strings)),
        _ => {
            let span = if line.rest.is_empty() {
                line.word.span()
            } else {
                line.rest.span()
            };
            let message = "SHELL needs a JSON array with at least a program";
            let error = Diagnostic::error(Code::INVALID_ARGUMENT, span, message);
            report.add(error.label("as in SHELL [\"/bin/bash\", \"-c\"]"));
            None
        }
    }
}
