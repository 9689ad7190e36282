//! The one text that stands for all ways to write an instruction.

use super::json::{self, Json};
use super::line::{Line, with_heredocs};
use super::words::quoted_words;
use crate::ast::Keyword;
use crate::fragment::Fragment;

/// Keyword in upper case, flags and words one space apart, JSON without spaces, shell commands as
/// they are, heredocs behind it.
pub(super) fn text(line: &Line<'_>) -> String {
    let mut text = line.keyword.name().to_owned();
    for flag in line.flags.fragments() {
        push(&mut text, flag.as_str());
    }
    // A command that begins with dashes must not read like a flag.
    if line.rest.as_str().starts_with("--") {
        push(&mut text, "--");
    }
    push(&mut text, &arguments(line));
    with_heredocs(text, &line.heredocs)
}

fn push(text: &mut String, part: &str) {
    if !part.is_empty() {
        text.push(' ');
        text.push_str(part);
    }
}

fn arguments(line: &Line<'_>) -> String {
    let rest = &line.rest;
    match line.keyword {
        Keyword::Onbuild => trigger(line),
        Keyword::Healthcheck => healthcheck(rest),
        Keyword::Env | Keyword::Label | Keyword::Arg => assignments(line),
        Keyword::Expose | Keyword::From => join(&rest.words()),
        Keyword::Add | Keyword::Copy | Keyword::Volume => json_or(rest, |rest| join(&rest.words())),
        Keyword::Cmd | Keyword::Entrypoint | Keyword::Run | Keyword::Shell => {
            json_or(rest, |rest| rest.as_str().to_owned())
        }
        Keyword::Maintainer | Keyword::Stopsignal | Keyword::User | Keyword::Workdir => {
            rest.as_str().to_owned()
        }
    }
}

fn json_or(rest: &Fragment<'_>, other: impl Fn(&Fragment<'_>) -> String) -> String {
    match json::parse(rest.as_str()) {
        Json::Strings(strings) => json::write(strings.iter().map(|(string, _)| string.as_str())),
        _ => other(rest),
    }
}

fn join(words: &[Fragment<'_>]) -> String {
    words
        .iter()
        .map(Fragment::as_str)
        .collect::<Vec<_>>()
        .join(" ")
}

/// `name value` is one value whose blanks count; `name=value …` are words.
fn assignments(line: &Line<'_>) -> String {
    let words = quoted_words(&line.rest, line.escape.char());
    let is_legacy = words
        .first()
        .is_some_and(|first| !first.as_str().contains('='));
    if is_legacy && line.keyword != Keyword::Arg {
        let (name, value) = line.rest.split_word();
        return format!("{} {}", name.as_str(), value.as_str());
    }
    join(&words)
}

fn healthcheck(rest: &Fragment<'_>) -> String {
    let (kind, command) = rest.split_word();
    let mut text = kind.as_str().to_ascii_uppercase();
    push(
        &mut text,
        &json_or(&command, |command| command.as_str().to_owned()),
    );
    text
}

/// The trigger's own canonical text; its heredocs come behind all of it.
fn trigger(line: &Line<'_>) -> String {
    let Some(mut trigger) = line.as_trigger() else {
        return line.rest.as_str().to_owned();
    };
    trigger.heredocs.clear();
    text(&trigger)
}
