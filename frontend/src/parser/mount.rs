//! `--mount` of RUN: taken apart, and checked as far as no variable decides.

use super::flags::Flag;
use super::line::Line;
use super::report::Report;
use crate::ast::{Mount, MountFlag, MountOption, Text};
use crate::diagnostic::{Code, Diagnostic};
use crate::expand::Expander;
use crate::fragment::Fragment;
use crate::span::Span;

pub(super) fn mounts(line: &mut Line<'_>, report: &mut Report) -> Vec<MountFlag> {
    let flags = line.flags.with_values("mount", report);
    let mounts: Vec<MountFlag> = flags.iter().map(mount_flag).collect();
    for mount in &mounts {
        check(mount, line, report);
    }
    mounts
}

fn mount_flag(flag: &Flag<'_>) -> MountFlag {
    let fields = match flag
        .plain_value()
        .filter(|value| !value.as_str().contains('"'))
    {
        Some(value) => split_plain(value),
        None => {
            let span = flag.fragment.span();
            split_csv(&flag.value)
                .into_iter()
                .map(|field| Text::new(field, span))
                .collect()
        }
    };
    MountFlag {
        options: fields.iter().map(option).collect(),
        span: flag.fragment.span(),
    }
}

fn split_plain(value: &Fragment<'_>) -> Vec<Text> {
    let mut start = 0;
    let field = |field: &str| {
        let text = value.slice(start..start + field.len()).text();
        start += field.len() + 1;
        text
    };
    value.as_str().split(',').map(field).collect()
}

/// Fields between commas; a field in double quotes may hold commas, and quotes twice.
fn split_csv(value: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        let is_new = fields.last().is_none_or(String::is_empty);
        match c {
            ',' if !quoted => fields.push(String::new()),
            '"' if quoted && chars.next_if_eq(&'"').is_some() => push(&mut fields, '"'),
            '"' if quoted => quoted = false,
            '"' if is_new => quoted = true,
            _ => push(&mut fields, c),
        }
    }
    fields
}

fn push(fields: &mut [String], c: char) {
    if let Some(last) = fields.last_mut() {
        last.push(c);
    }
}

fn option(field: &Text) -> MountOption {
    match field.raw().split_once('=') {
        None => MountOption {
            key: field.clone(),
            value: None,
        },
        Some((key, value)) => {
            let (key_span, value_span) = split_span(field, key);
            let value = Some(Text::new(value, value_span));
            MountOption {
                key: Text::new(key, key_span),
                value,
            }
        }
    }
}

/// The spans of key and value, if the field is in the file as it is.
fn split_span(field: &Text, key: &str) -> (Span, Span) {
    let whole = field.span();
    if whole.len != field.raw().len() {
        return (whole, whole);
    }
    let before = u32::try_from(key.chars().count() + 1).unwrap_or(u32::MAX);
    let value = Span {
        offset: whole.offset + key.len() + 1,
        len: whole.len.saturating_sub(key.len() + 1),
        column: whole.column.saturating_add(before),
        ..whole
    };
    (
        Span {
            len: key.len(),
            ..whole
        },
        value,
    )
}

fn check(mount: &MountFlag, line: &Line<'_>, report: &mut Report) {
    if let Some(from) = mount.from().filter(|from| from.may_expand()) {
        let message = "from= of a mount takes no variable";
        report.add(
            Diagnostic::error(Code::VARIABLE_NOT_ALLOWED, from.span(), message)
                .help("name the image in a stage of its own (FROM $image AS name) and use that"),
        );
        return;
    }
    let values = mount
        .options
        .iter()
        .filter_map(|option| option.value.as_ref());
    if values.into_iter().any(Text::may_expand) {
        mount.unknown_keys().for_each(|error| report.add(error));
        return;
    }
    match mount.resolve_all(&mut Expander::new(line.escape, &|_| None)) {
        Ok(Mount::Ssh(_)) => report.add(unsupported_ssh(mount)),
        Ok(_) => {}
        Err(errors) => {
            report.add(errors.first);
            errors
                .others
                .into_iter()
                .for_each(|error| report.add(error));
        }
    }
}

fn unsupported_ssh(mount: &MountFlag) -> Diagnostic {
    Diagnostic::error(
        Code::UNSUPPORTED,
        mount.span,
        "mounts of type ssh are not supported yet",
    )
    .help("a secret mount can hold a key: --mount=type=secret,id=NAME")
}
