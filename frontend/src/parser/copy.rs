//! `COPY` and `ADD`.

use super::line::Line;
use super::report::Report;
use crate::ast::{Add, Copy, FileMode, Heredoc, Placement, Source, Text};
use crate::diagnostic::{Code, Diagnostic};
use crate::fragment::Fragment;
use crate::pattern::Pattern;

pub(super) fn copy(line: &mut Line<'_>, report: &mut Report) -> Option<Copy> {
    let from = from(line, report);
    let parents = line.flags.switch("parents", report).unwrap_or(false);
    let placement = placement(line, report)?;
    Some(Copy {
        placement,
        from,
        parents,
    })
}

pub(super) fn add(line: &mut Line<'_>, report: &mut Report) -> Option<Add> {
    let checksum = line.flags.text("checksum", report);
    check_checksum(checksum.as_ref(), report);
    let unpack = line.flags.switch("unpack", report);
    let keep_git_dir = line.flags.switch("keep-git-dir", report).unwrap_or(false);
    let placement = placement(line, report)?;
    Some(Add {
        placement,
        checksum,
        unpack,
        keep_git_dir,
    })
}

fn from(line: &mut Line<'_>, report: &mut Report) -> Option<Text> {
    let from = line.flags.text("from", report)?;
    if from.may_expand() {
        let message = "--from takes no variable";
        report.add(
            Diagnostic::error(Code::VARIABLE_NOT_ALLOWED, from.span(), message)
                .help("name the image in a stage of its own (FROM $image AS name) and use that"),
        );
        return None;
    }
    Some(from)
}

fn placement(line: &mut Line<'_>, report: &mut Report) -> Option<Placement> {
    let chown = line.flags.text("chown", report);
    let chmod = line.flags.text("chmod", report);
    let link = line.flags.switch("link", report).unwrap_or(false);
    let excludes = line.flags.texts("exclude", report);
    check_chmod(chmod.as_ref(), report);
    let (sources, destination) = sources_and_destination(line, report)?;
    Some(Placement {
        sources,
        destination,
        chown,
        chmod,
        link,
        excludes,
    })
}

fn sources_and_destination(line: &Line<'_>, report: &mut Report) -> Option<(Vec<Source>, Text)> {
    let arguments = arguments(line, report)?;
    let Some((destination, sources)) = arguments.split_last().filter(|(_, s)| !s.is_empty()) else {
        report_missing(line, arguments.first(), report);
        return None;
    };
    if let Some(heredoc) = line
        .heredocs
        .iter()
        .find(|own| own.span == destination.span())
    {
        let message = format!("a heredoc can't be the destination of {}", line.keyword);
        report.error(Code::MISPLACED_HEREDOC, heredoc.span, message);
        return None;
    }
    let sources = with_heredocs(sources, &line.heredocs);
    sources
        .iter()
        .for_each(|source| check_pattern(source, report));
    check_directory(line, &sources, destination, report);
    Some((sources, destination.clone()))
}

/// The arguments with the line's heredocs, which are in the same order, in their places.
fn with_heredocs(arguments: &[Text], heredocs: &[Heredoc]) -> Vec<Source> {
    let mut heredocs = heredocs.iter().peekable();
    let source = |argument: &Text| {
        let heredoc = heredocs.next_if(|heredoc| heredoc.span == argument.span());
        heredoc.map_or_else(
            || Source::Path(argument.clone()),
            |own| Source::Heredoc(own.clone()),
        )
    };
    arguments.iter().map(source).collect()
}

/// The arguments of either form.
fn arguments(line: &Line<'_>, report: &mut Report) -> Option<Vec<Text>> {
    let json = line.json(report).ok()?;
    Some(json.unwrap_or_else(|| line.rest.words().iter().map(Fragment::text).collect()))
}

fn report_missing(line: &Line<'_>, only: Option<&Text>, report: &mut Report) {
    match only {
        None => report.missing_argument(line, "sources and a destination"),
        Some(only) => {
            let message = format!("{} needs a destination, too", line.keyword);
            report.error(Code::MISSING_ARGUMENT, only.span(), message);
        }
    }
}

/// Several sources go into a directory, and its name says that it is one.
fn check_directory(line: &Line<'_>, sources: &[Source], destination: &Text, report: &mut Report) {
    let path = destination.raw().trim_end_matches(['"', '\'']);
    let last = path.rsplit('/').next().unwrap_or_default();
    let is_directory = destination.may_expand() || matches!(last, "" | "." | "..");
    if sources.len() > 1 && !is_directory {
        let keyword = line.keyword;
        let message = format!("several sources of {keyword} need a directory to go to");
        let error = Diagnostic::error(Code::INVALID_ARGUMENT, destination.span(), message);
        report.add(error.label("must end in /"));
    }
}

fn check_pattern(source: &Source, report: &mut Report) {
    let Source::Path(path) = source else { return };
    // Quotes and escapes are the word's until it is expanded.
    let is_final = !path.raw().contains(['$', '"', '\'', '\\', '`']);
    if let Some(error) = is_final.then(|| Pattern::new(path.raw()).err()).flatten() {
        report.error(Code::INVALID_ARGUMENT, path.span(), error.to_string());
    }
}

fn check_chmod(chmod: Option<&Text>, report: &mut Report) {
    let Some(chmod) = chmod.filter(|chmod| !chmod.may_expand()) else {
        return;
    };
    if let Err(error) = chmod.raw().parse::<FileMode>() {
        report.error(Code::INVALID_FLAG_VALUE, chmod.span(), error.to_string());
    }
}

fn check_checksum(checksum: Option<&Text>, report: &mut Report) {
    let Some(checksum) = checksum.filter(|checksum| !checksum.may_expand()) else {
        return;
    };
    let digits = checksum.raw().strip_prefix("sha256:").unwrap_or_default();
    if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let message = format!("invalid checksum {:?}", checksum.raw());
        let error = Diagnostic::error(Code::INVALID_FLAG_VALUE, checksum.span(), message);
        report.add(error.label("must be sha256: and 64 hexadecimal digits"));
    }
}
