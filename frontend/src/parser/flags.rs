//! `--name=value` between the keyword and the arguments.

use super::report::Report;
use super::words::{split_quoted_word, unquote};
use crate::ast::{Escape, Keyword, Text};
use crate::diagnostic::{Code, Diagnostic};
use crate::fragment::Fragment;

/// The flags of one instruction. They are taken by name, and what is left is unknown.
#[derive(Debug, Clone, Default)]
pub(super) struct Flags<'l> {
    flags: Vec<Flag<'l>>,
    /// The names that were asked for.
    known: Vec<&'static str>,
}

/// One flag.
#[derive(Debug, Clone)]
pub(super) struct Flag<'l> {
    /// All of it, quotes included.
    pub(super) fragment: Fragment<'l>,
    /// Without the dashes.
    name: Fragment<'l>,
    /// After the `=`, quotes included; none without a `=`.
    raw_value: Option<Fragment<'l>>,
    /// Without quotes and escapes.
    pub(super) value: String,
}

impl<'l> Flag<'l> {
    fn new(fragment: Fragment<'l>, escape: char) -> Self {
        let text = fragment.as_str();
        let end = text.find('=').unwrap_or(text.len());
        let name = fragment.slice(2..end);
        let raw_value = (end < text.len()).then(|| fragment.slice(end + 1..text.len()));
        let raw = raw_value.as_ref().map_or("", Fragment::as_str);
        let value = unquote(raw, escape).unwrap_or_else(|| raw.to_owned());
        Self {
            name,
            value,
            raw_value,
            fragment,
        }
    }

    /// The value as it stands in the file, if that is the value itself.
    pub(super) fn plain_value(&self) -> Option<&Fragment<'l>> {
        self.raw_value
            .as_ref()
            .filter(|raw| raw.as_str() == self.value)
    }

    fn text(&self) -> Text {
        let span = self
            .raw_value
            .as_ref()
            .map_or_else(|| self.fragment.span(), Fragment::span);
        Text::new(self.value.clone(), span)
    }
}

impl<'l> Flags<'l> {
    /// Takes the flags off the front. A bare `--` ends them.
    pub(super) fn split(rest: &Fragment<'l>, escape: Escape) -> (Self, Fragment<'l>) {
        let mut flags = Vec::new();
        let mut rest = rest.clone();
        while rest.as_str().starts_with("--") {
            let (word, next) = split_quoted_word(&rest, escape.char());
            rest = next;
            if word.as_str() == "--" {
                break;
            }
            flags.push(Flag::new(word, escape.char()));
        }
        (
            Self {
                flags,
                known: Vec::new(),
            },
            rest,
        )
    }

    /// The flags as written, in order.
    pub(super) fn fragments(&self) -> impl Iterator<Item = &Fragment<'l>> {
        self.flags.iter().map(|flag| &flag.fragment)
    }

    /// The flags of this name.
    fn named(&mut self, name: &'static str) -> Vec<Flag<'l>> {
        self.known.push(name);
        self.flags
            .iter()
            .filter(|flag| flag.name.as_str() == name)
            .cloned()
            .collect()
    }

    /// The flags of a name that may be given several times, each with a value.
    pub(super) fn with_values(&mut self, name: &'static str, report: &mut Report) -> Vec<Flag<'l>> {
        let mut flags = self.named(name);
        flags.retain(|flag| {
            if flag.value.is_empty() {
                let message = format!("flag --{name} needs a value");
                let error =
                    Diagnostic::error(Code::MISSING_FLAG_VALUE, flag.fragment.span(), message);
                report.add(error.label(format!("as in --{name}=VALUE")));
            }
            !flag.value.is_empty()
        });
        flags
    }

    /// The values of a flag that may be given several times.
    pub(super) fn texts(&mut self, name: &'static str, report: &mut Report) -> Vec<Text> {
        self.with_values(name, report)
            .iter()
            .map(Flag::text)
            .collect()
    }

    /// The value of a flag that may be given once.
    pub(super) fn text(&mut self, name: &'static str, report: &mut Report) -> Option<Text> {
        let flags = self.with_values(name, report);
        report_duplicates(&flags, report);
        flags.first().map(Flag::text)
    }

    /// A flag that is on or off: `--name`, `--name=true`, `--name=false`.
    pub(super) fn switch(&mut self, name: &'static str, report: &mut Report) -> Option<bool> {
        let flags = self.named(name);
        report_duplicates(&flags, report);
        let flag = flags.first()?;
        match flag.value.as_str() {
            "" | "true" => Some(true),
            "false" => Some(false),
            value => {
                let message = format!("flag --{name} can't be {value:?}");
                let error =
                    Diagnostic::error(Code::INVALID_FLAG_VALUE, flag.text().span(), message);
                report.add(error.label("must be true or false"));
                None
            }
        }
    }

    /// Reports the flags that nobody asked for.
    pub(super) fn report_unknown(&self, keyword: Keyword, report: &mut Report) {
        let is_unknown = |flag: &&Flag<'_>| !self.known.contains(&flag.name.as_str());
        for flag in self.flags.iter().filter(is_unknown) {
            if report.is_full() {
                return;
            }
            report.add(self.unknown_flag(flag, keyword));
        }
    }

    fn unknown_flag(&self, flag: &Flag<'_>, keyword: Keyword) -> Diagnostic {
        let name = flag.name.as_str();
        let span = flag.fragment.slice(0..name.len() + 2).span();
        let known: Vec<String> = self
            .known
            .iter()
            .map(|known| format!("--{known}"))
            .collect();
        let message = format!("unknown flag --{name} of {keyword}");
        Diagnostic::error(Code::UNKNOWN_FLAG, span, message)
            .suggest(&format!("--{name}"), known.iter().map(String::as_str))
    }
}

fn report_duplicates(flags: &[Flag<'_>], report: &mut Report) {
    for flag in flags.iter().skip(1) {
        let message = format!("flag --{} is given twice", flag.name.as_str());
        report.error(Code::DUPLICATE_FLAG, flag.fragment.span(), message);
    }
}
