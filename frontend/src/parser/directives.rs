//! `# name=value` at the top of the file.

use super::report::Report;
use crate::ast::{Check, Directives, Escape, Text};
use crate::diagnostic::{Code, Diagnostic};
use crate::lexer::{Lexer, PhysicalLine};
use crate::span::Span;

/// What is known as a frontend for this language, in the repositories before tag and digest.
/// Nothing of it is run: iechor reads the language by itself.
const KNOWN_FRONTENDS: [&str; 5] = [
    "docker/dockerfile",
    "docker/dockerfile-upstream",
    "docker.io/docker/dockerfile",
    "docker.io/docker/dockerfile-upstream",
    "iechor/iechorfile",
];

/// Reads the directives. The first line that is none ends them and stays in the lexer.
pub(super) fn read(lexer: &mut Lexer<'_>, report: &mut Report) -> Directives {
    let mut reader = Reader {
        report,
        directives: Directives::default(),
        seen: Vec::new(),
    };
    if lexer.peek().is_some_and(|line| line.text.starts_with("#!")) {
        lexer.next_physical();
    }
    while let Some(directive) = lexer.peek().as_ref().and_then(Directive::read) {
        reader.take(&directive);
        lexer.next_physical();
    }
    reader.directives
}

/// A comment of the form `# name=value` whose name is one of the three.
struct Directive {
    name: String,
    value: Text,
    span: Span,
}

impl Directive {
    fn read(line: &PhysicalLine<'_>) -> Option<Self> {
        let text = line.text.trim();
        let comment = text.strip_prefix('#')?;
        let (name, value) = comment.split_once('=')?;
        let name = name.trim().to_ascii_lowercase();
        let known = ["syntax", "escape", "check"].contains(&name.as_str());
        let value = Some(value.trim()).filter(|value| known && !value.is_empty())?;
        let span = line.span();
        let value = Text::new(value, value_span(span, text, value));
        Some(Self { name, value, span })
    }
}

/// The value is the last thing on its line.
fn value_span(line: Span, text: &str, value: &str) -> Span {
    let before = text.strip_suffix(value).unwrap_or_default();
    let columns = u32::try_from(before.chars().count()).unwrap_or(u32::MAX);
    Span {
        offset: line.offset + before.len(),
        len: value.len(),
        column: line.column.saturating_add(columns),
        ..line
    }
}

struct Reader<'r> {
    report: &'r mut Report,
    directives: Directives,
    seen: Vec<String>,
}

impl Reader<'_> {
    fn take(&mut self, directive: &Directive) {
        if self.seen.contains(&directive.name) {
            let message = format!("directive {} is given twice", directive.name);
            self.report
                .error(Code::INVALID_DIRECTIVE, directive.span, message);
            return;
        }
        self.seen.push(directive.name.clone());
        match directive.name.as_str() {
            "syntax" => self.syntax(directive.value.clone()),
            "escape" => self.escape(&directive.value),
            _ => self.directives.check = Some(read_check(directive.value.raw())),
        }
    }

    fn syntax(&mut self, value: Text) {
        if !KNOWN_FRONTENDS.contains(&repository(value.raw())) {
            let message = format!("unknown syntax {:?}", value.raw());
            self.report.add(
                Diagnostic::warning(Code::UNKNOWN_SYNTAX, value.span(), message)
                    .label("not used: iechor reads the file by its own rules"),
            );
        }
        self.directives.syntax = Some(value);
    }

    fn escape(&mut self, value: &Text) {
        match value.raw() {
            "\\" => self.directives.escape = Escape::Backslash,
            "`" => self.directives.escape = Escape::Backtick,
            other => {
                let message = format!("invalid escape character {other:?}");
                self.report.add(
                    Diagnostic::error(Code::INVALID_DIRECTIVE, value.span(), message)
                        .label("must be \\ or `"),
                );
            }
        }
    }
}

/// An image's name without digest and tag.
fn repository(image: &str) -> &str {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}

/// Reads `skip=A,B;error=true;experimental=C`. What is not known is left alone, as BuildKit does.
fn read_check(value: &str) -> Check {
    let mut check = Check::default();
    for option in value.split(';') {
        let (name, value) = option.split_once('=').unwrap_or((option, "true"));
        match name.trim() {
            "skip" => check.skip = names(value),
            "experimental" => check.experimental = names(value),
            "error" => check.error = value.trim().eq_ignore_ascii_case("true"),
            _ => {}
        }
    }
    check
}

fn names(list: &str) -> Vec<String> {
    list.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}
