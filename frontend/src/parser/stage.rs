//! `FROM`: where a stage begins.

use std::collections::HashMap;

use super::line::Line;
use super::report::Report;
use crate::ast::{Stage, Text};
use crate::diagnostic::{Code, Diagnostic};
use crate::fragment::Fragment;

/// Names that mean something else where a stage is named.
const RESERVED: [&str; 2] = ["scratch", "context"];

/// The stage that a FROM line begins. A line that is wrong begins one, too, so that what follows
/// it is not reported as being outside of all stages.
pub(super) fn from(mut line: Line<'_>, report: &mut Report) -> Stage {
    let platform = line.flags.text("platform", report);
    line.flags.report_unknown(line.keyword, report);
    let words = line.rest.words();
    let name = name(&line, &words, report);
    let base = words.first().unwrap_or(&line.rest).text();
    Stage {
        base,
        name,
        platform,
        instructions: Vec::new(),
        statement: line.into_statement(),
    }
}

/// The `name` of `base AS name`.
fn name(line: &Line<'_>, words: &[Fragment<'_>], report: &mut Report) -> Option<Text> {
    match words {
        [_base] => None,
        [_base, keyword, name] if keyword.as_str().eq_ignore_ascii_case("as") => {
            check_casing(line, keyword, report);
            stage_name(name, report)
        }
        [] => {
            report.missing_argument(line, "a base image");
            None
        }
        [base, rest @ ..] => {
            report_form(base, rest, report);
            None
        }
    }
}

fn report_form(base: &Fragment<'_>, rest: &[Fragment<'_>], report: &mut Report) {
    let ends = rest.first().zip(rest.last());
    let span = ends.map_or_else(|| base.span(), |(first, last)| first.span().to(last.span()));
    let message = "FROM takes a base image, or a base image AS a name";
    let error = Diagnostic::error(Code::INVALID_FROM, span, message);
    report.add(error.label(format!(
        "expected nothing, or as in FROM {} AS name",
        base.as_str()
    )));
}

/// Reads `[a-z][a-z0-9-_.]*`, letter case aside.
fn stage_name(word: &Fragment<'_>, report: &mut Report) -> Option<Text> {
    let name = word.as_str().to_ascii_lowercase();
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(is_part) {
        let message = format!("invalid stage name {:?}", word.as_str());
        let error = Diagnostic::error(Code::INVALID_STAGE_NAME, word.span(), message);
        report.add(error.label("must be letters, digits, - _ and . and begin with a letter"));
        return None;
    }
    if name != word.as_str() {
        let message = format!("stage name {:?} has upper-case letters", word.as_str());
        let warning = Diagnostic::warning(Code::STAGE_NAME_CASING, word.span(), message);
        report.add(warning.label(format!("is the same as {name}")));
    }
    Some(Text::new(name, word.span()))
}

fn check_casing(line: &Line<'_>, keyword: &Fragment<'_>, report: &mut Report) {
    let is_lower = |word: &str| word.chars().all(|c| c.is_ascii_lowercase());
    if is_lower(line.word.as_str()) != is_lower(keyword.as_str()) {
        let (from, word) = (line.word.as_str(), keyword.as_str());
        let message = format!("{from} and {word} differ in letter case");
        report.add(Diagnostic::warning(
            Code::FROM_AS_CASING,
            keyword.span(),
            message,
        ));
    }
}

/// The names of the stages so far, each with the line of the last stage that has it.
#[derive(Debug, Default)]
pub(super) struct StageNames {
    lines: HashMap<String, u32>,
}

impl StageNames {
    /// Takes the name of the next stage; warns if another one has it or it means something else.
    pub(super) fn add(&mut self, stage: &Stage, report: &mut Report) {
        let Some(name) = &stage.name else { return };
        if RESERVED.contains(&name.raw()) {
            let message = format!("stage name {:?} is reserved", name.raw());
            report.add(Diagnostic::warning(
                Code::RESERVED_STAGE_NAME,
                name.span(),
                message,
            ));
        }
        let line = stage.statement.span.line;
        if let Some(other) = self.lines.insert(name.raw().to_owned(), line) {
            let message = format!("two stages have the name {:?}", name.raw());
            let warning = Diagnostic::warning(Code::DUPLICATE_STAGE_NAME, name.span(), message);
            report.add(warning.label(format!("from here on, not that of line {other}")));
        }
    }
}
