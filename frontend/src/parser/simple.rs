//! Instructions whose arguments are a text or a list of words.

use super::line::Line;
use super::report::Report;
use crate::ast::{PortRange, Signal, Text};
use crate::diagnostic::{Code, Diagnostic};
use crate::fragment::Fragment;

/// The rest of the line as one text: USER, WORKDIR.
pub(super) fn one_argument(line: &Line<'_>, report: &mut Report) -> Option<Text> {
    if line.rest.is_empty() {
        report.missing_argument(line, "an argument");
        return None;
    }
    Some(line.rest.text())
}

pub(super) fn maintainer(line: &Line<'_>, report: &mut Report) -> Option<Text> {
    let name = one_argument(line, report)?;
    let message = "MAINTAINER is deprecated";
    report.add(
        Diagnostic::warning(Code::MAINTAINER_DEPRECATED, line.word.span(), message)
            .help("write LABEL org.opencontainers.image.authors=\"…\" instead"),
    );
    Some(name)
}

pub(super) fn stopsignal(line: &Line<'_>, report: &mut Report) -> Option<Text> {
    let signal = one_argument(line, report)?;
    let checked = if signal.may_expand() {
        None
    } else {
        signal.raw().parse::<Signal>().err()
    };
    if let Some(error) = checked {
        let known = Signal::names()
            .map(|name| format!("SIG{name}"))
            .collect::<Vec<_>>();
        let error = Diagnostic::error(Code::INVALID_ARGUMENT, signal.span(), error.to_string());
        report.add(error.suggest(signal.raw(), known.iter().map(String::as_str)));
    }
    Some(signal)
}

pub(super) fn expose(line: &Line<'_>, report: &mut Report) -> Option<Vec<Text>> {
    let ports: Vec<Text> = line.rest.words().iter().map(Fragment::text).collect();
    if ports.is_empty() {
        report.missing_argument(line, "a port");
        return None;
    }
    // Quotes and escapes are the word's until it is expanded.
    let is_final = |port: &&Text| !port.raw().contains(['$', '"', '\'', '\\', '`']);
    ports
        .iter()
        .filter(is_final)
        .for_each(|port| check_port(port, report));
    Some(ports)
}

fn check_port(port: &Text, report: &mut Report) {
    if let Err(error) = port.raw().parse::<PortRange>() {
        report.error(Code::INVALID_ARGUMENT, port.span(), error.to_string());
    } else if port.raw().contains(|c: char| c.is_ascii_uppercase()) {
        let message = format!("protocol of {:?} is not in lower case", port.raw());
        report.add(Diagnostic::warning(
            Code::EXPOSE_PROTO_CASING,
            port.span(),
            message,
        ));
    }
}

pub(super) fn volume(line: &Line<'_>, report: &mut Report) -> Option<Vec<Text>> {
    let json = line.json(report).ok()?;
    let paths = json.unwrap_or_else(|| line.rest.words().iter().map(Fragment::text).collect());
    if paths.is_empty() {
        report.missing_argument(line, "a path");
        return None;
    }
    for path in paths.iter().filter(|path| path.raw().trim().is_empty()) {
        report.error(
            Code::INVALID_ARGUMENT,
            path.span(),
            "a volume's path can't be empty",
        );
    }
    Some(paths)
}
