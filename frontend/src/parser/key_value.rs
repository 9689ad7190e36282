//! `name=value`: `ENV`, `LABEL` and `ARG`.

use super::line::Line;
use super::report::Report;
use super::words::quoted_words;
use crate::ast::{Arg, ArgDeclaration, Env, KeyValue, Label};
use crate::diagnostic::{Code, Diagnostic};
use crate::fragment::Fragment;

pub(super) fn env(line: &Line<'_>, report: &mut Report) -> Option<Env> {
    Some(Env {
        variables: pairs(line, report)?,
    })
}

pub(super) fn label(line: &Line<'_>, report: &mut Report) -> Option<Label> {
    Some(Label {
        labels: pairs(line, report)?,
    })
}

pub(super) fn arg(line: &Line<'_>, report: &mut Report) -> Option<Arg> {
    let words = quoted_words(&line.rest, line.escape.char());
    if words.is_empty() {
        report.missing_argument(line, "a name");
        return None;
    }
    let declare = |word| declaration(line, word, report);
    let declarations: Vec<ArgDeclaration> = words.iter().filter_map(declare).collect();
    (!declarations.is_empty()).then_some(Arg { declarations })
}

fn declaration(
    line: &Line<'_>,
    word: &Fragment<'_>,
    report: &mut Report,
) -> Option<ArgDeclaration> {
    match split_pair(word) {
        Some((name, _)) if name.is_empty() => {
            report_blank_name(line, word, report);
            None
        }
        Some((name, default)) => Some(ArgDeclaration {
            name: name.text(),
            default: Some(default.text()),
        }),
        None => Some(ArgDeclaration {
            name: word.text(),
            default: None,
        }),
    }
}

/// `name=value …`, or the old `name value` if there is no `=` in the first word.
fn pairs(line: &Line<'_>, report: &mut Report) -> Option<Vec<KeyValue>> {
    let words = quoted_words(&line.rest, line.escape.char());
    let Some(first) = words.first() else {
        report.missing_argument(line, "name=value");
        return None;
    };
    if !first.as_str().contains('=') {
        return legacy_pair(line, report).map(|pair| vec![pair]);
    }
    let pairs: Vec<KeyValue> = words
        .iter()
        .filter_map(|word| pair(line, word, report))
        .collect();
    (!pairs.is_empty()).then_some(pairs)
}

fn pair(line: &Line<'_>, word: &Fragment<'_>, report: &mut Report) -> Option<KeyValue> {
    match split_pair(word) {
        Some((key, _)) if key.is_empty() => report_blank_name(line, word, report),
        Some((key, value)) => {
            return Some(KeyValue {
                key: key.text(),
                value: value.text(),
            });
        }
        None => {
            let message = format!("no = in {:?}", word.as_str());
            let error = Diagnostic::error(Code::INVALID_ASSIGNMENT, word.span(), message);
            report.add(error.label("must be name=value; put a value with blanks in quotes"));
        }
    }
    None
}

/// The value is the rest of the line.
fn legacy_pair(line: &Line<'_>, report: &mut Report) -> Option<KeyValue> {
    let (key, value) = line.rest.split_word();
    let keyword = line.keyword;
    if value.is_empty() {
        let message = format!("{keyword} {} has no value", key.as_str());
        let error = Diagnostic::error(Code::INVALID_ASSIGNMENT, key.span(), message);
        report.add(error.label(format!("must be {}=value", key.as_str())));
        return None;
    }
    let message = format!("{keyword} with a blank instead of =");
    let label = format!("write {}=value", key.as_str());
    report.add(Diagnostic::warning(Code::LEGACY_KEY_VALUE, key.span(), message).label(label));
    Some(KeyValue {
        key: key.text(),
        value: value.text(),
    })
}

fn split_pair<'l>(word: &Fragment<'l>) -> Option<(Fragment<'l>, Fragment<'l>)> {
    let at = word.as_str().find('=')?;
    let (key, rest) = word.split_at(at);
    Some((key, rest.slice(1..rest.as_str().len())))
}

fn report_blank_name(line: &Line<'_>, word: &Fragment<'_>, report: &mut Report) {
    let message = format!("{} needs a name before =", line.keyword);
    report.error(Code::INVALID_ASSIGNMENT, word.span(), message);
}
