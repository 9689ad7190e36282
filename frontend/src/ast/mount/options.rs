//! The options of a mount, expanded: taken one by one by the name that they go by, each checked.

use super::{MountAccess, MountFlag, MountOption, MountType, Requirement, Sharing};
use crate::ast::Text;
use crate::diagnostic::{Code, Diagnostic};
use crate::expand::Expander;
use crate::span::Span;

/// Every option that some mount has, by its one name and its others.
const OPTIONS: [(&str, &[&str]); 13] = [
    ("type", &[]),
    ("from", &[]),
    ("source", &["src"]),
    ("target", &["dst", "destination"]),
    ("readonly", &["ro"]),
    ("readwrite", &["rw"]),
    ("id", &[]),
    ("sharing", &[]),
    ("required", &[]),
    ("size", &[]),
    ("mode", &[]),
    ("uid", &[]),
    ("gid", &[]),
];

/// The option that a secret alone has. Apart, for its name is a word of its own to the rest.
pub(super) const ENV: &str = "env";

/// The one name of an option, whichever of its names was written.
pub(super) fn canonical_name(option: &MountOption) -> Option<&'static str> {
    let key = option.key.raw().to_ascii_lowercase();
    let is_meant =
        |(name, others): &&(&str, &[&str])| *name == key || others.contains(&key.as_str());
    let known = OPTIONS.iter().find(is_meant).map(|(name, _)| *name);
    known.or_else(|| (key == ENV).then_some(ENV))
}

pub(super) fn unknown_key(option: &MountOption) -> Diagnostic {
    let key = option.key.raw();
    let names = OPTIONS
        .iter()
        .flat_map(|(name, others)| [*name].into_iter().chain(others.iter().copied()));
    let message = format!("unknown mount option {key:?}");
    Diagnostic::error(Code::UNKNOWN_MOUNT_OPTION, option.key.span(), message)
        .suggest(key, names.chain([ENV]))
}

/// An option with its value known.
struct Known {
    name: &'static str,
    /// None for a bare key.
    value: Option<String>,
    key_span: Span,
    value_span: Span,
}

/// The options that nobody has taken yet, and what was wrong so far.
pub(super) struct Options {
    known: Vec<Known>,
    pub(super) errors: Vec<Diagnostic>,
    whole: Span,
    pub(super) kind: MountType,
}

impl Options {
    pub(super) fn expand(flag: &MountFlag, expander: &mut Expander<'_>) -> Self {
        let (known, errors, whole) = (Vec::new(), Vec::new(), flag.span);
        let mut options = Self {
            known,
            errors,
            whole,
            kind: MountType::Bind,
        };
        for option in &flag.options {
            match canonical_name(option) {
                Some(name) => options.expand_one(name, option, expander),
                None => options.errors.push(unknown_key(option)),
            }
        }
        options.kind = options.take_type();
        options
    }

    fn expand_one(
        &mut self,
        name: &'static str,
        option: &MountOption,
        expander: &mut Expander<'_>,
    ) {
        let key_span = option.key.span();
        let value_span = option.value.as_ref().map_or(key_span, Text::span);
        match option
            .value
            .as_ref()
            .map(|value| expander.text(value))
            .transpose()
        {
            Ok(value) => self.known.push(Known {
                name,
                value,
                key_span,
                value_span,
            }),
            Err(error) => self.errors.push(*error),
        }
    }

    fn take_type(&mut self) -> MountType {
        let Some(option) = self.take("type") else {
            return MountType::Bind;
        };
        let value = option.value.unwrap_or_default();
        let lower = value.to_ascii_lowercase();
        let known = MountType::WORDS.iter().find(|(word, _)| *word == lower);
        if known.is_none() {
            let words = MountType::WORDS.map(|(word, _)| word);
            let message = format!("unknown mount type {value:?}");
            self.errors.push(
                Diagnostic::error(Code::UNKNOWN_MOUNT_TYPE, option.value_span, message)
                    .label(format!("must be {}", words.join(", ")))
                    .suggest(&value, words),
            );
            // Which options it may have, nobody knows.
            self.known.clear();
            return MountType::Ssh;
        }
        known.map_or(MountType::Bind, |(_, kind)| *kind)
    }

    /// The last option of this name; as in Docker it counts.
    fn take(&mut self, name: &str) -> Option<Known> {
        let at = self.known.iter().rposition(|option| option.name == name)?;
        let option = self.known.remove(at);
        self.known.retain(|other| other.name != name);
        Some(option)
    }

    /// An option that has to have a value when it is there.
    fn valued(&mut self, name: &str) -> Option<(String, Span)> {
        let option = self.take(name)?;
        if option.value.is_none() {
            let message = format!("mount option {name} needs a value");
            let error = Diagnostic::error(Code::INVALID_MOUNT_OPTION, option.key_span, message);
            self.errors.push(error.label(format!("as in {name}=VALUE")));
        }
        option.value.map(|value| (value, option.value_span))
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.valued(name)
            .map(|(value, _)| value)
            .filter(|value| !value.is_empty())
    }

    fn parsed<T>(
        &mut self,
        name: &str,
        must_be: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let (value, span) = self.valued(name)?;
        let parsed = parse(&value);
        if parsed.is_none() {
            let message = format!("mount option {name} can't be {value:?}");
            let error = Diagnostic::error(Code::INVALID_MOUNT_OPTION, span, message);
            self.errors.push(error.label(must_be));
        }
        parsed
    }

    pub(super) fn word<T: Copy>(&mut self, name: &str, words: &[(&'static str, T)]) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.parsed(name, &format!("must be {}", names.join(", ")), |value| {
            let known = words
                .iter()
                .find(|(word, _)| word.eq_ignore_ascii_case(value));
            known.map(|(_, meaning)| *meaning)
        })
    }

    /// `name`, `name=true`, `name=false`.
    fn switch(&mut self, name: &str) -> Option<bool> {
        let bare = self
            .known
            .iter()
            .rfind(|option| option.name == name)?
            .value
            .is_none();
        if bare {
            return self.take(name).map(|_| true);
        }
        self.parsed(name, "must be true or false", parse_bool)
    }

    pub(super) fn access(&mut self, default: MountAccess) -> MountAccess {
        let read_only = self.switch("readonly");
        let read_write = self.switch("readwrite");
        match (read_only, read_write) {
            (Some(true), _) | (_, Some(false)) => MountAccess::ReadOnly,
            (Some(false), _) | (_, Some(true)) => MountAccess::ReadWrite,
            (None, None) => default,
        }
    }

    pub(super) fn requirement(&mut self) -> Requirement {
        match self.switch("required") {
            Some(true) => Requirement::Required,
            _ => Requirement::Optional,
        }
    }

    pub(super) fn mode(&mut self) -> Option<u32> {
        self.parsed("mode", "must be octal, at most 7777", |value| {
            let digits = value.bytes().all(|byte| byte.is_ascii_digit());
            let mode = digits.then(|| u32::from_str_radix(value, 8).ok()).flatten();
            mode.filter(|mode| *mode <= 0o7777)
        })
    }

    /// 2^32 - 1 means "do not change" to the kernel and is nobody's number.
    pub(super) fn owner(&mut self, name: &str) -> u32 {
        let must_be = "must be a number from 0 to 4294967294";
        let id = self.parsed(name, must_be, |value| {
            let digits = value.bytes().all(|byte| byte.is_ascii_digit());
            digits
                .then(|| value.parse().ok())
                .flatten()
                .filter(|id| *id != u32::MAX)
        });
        id.unwrap_or(0)
    }

    pub(super) fn size(&mut self) -> Option<u64> {
        self.parsed("size", "must be as in 512, 64k, 100m or 1g", parse_size)
    }

    pub(super) fn needed_target(&mut self) -> String {
        let target = self.text("target");
        if target.is_none() {
            self.missing("target", "as in target=/path");
        }
        target.unwrap_or_default()
    }

    pub(super) fn missing(&mut self, name: &str, how: &str) {
        let message = format!("a mount of type {} needs {name}", self.kind.word());
        let error = Diagnostic::error(Code::MISSING_MOUNT_OPTION, self.whole, message);
        self.errors.push(error.label(how));
    }

    /// What was not taken is for other types of mounts.
    pub(super) fn refuse_the_rest(&mut self) {
        for option in std::mem::take(&mut self.known) {
            let kind = self.kind.word();
            let message = format!("a mount of type {kind} has no option {}", option.name);
            self.errors.push(Diagnostic::error(
                Code::UNKNOWN_MOUNT_OPTION,
                option.key_span,
                message,
            ));
        }
    }
}

impl MountType {
    const WORDS: [(&'static str, Self); 5] = [
        ("bind", Self::Bind),
        ("cache", Self::Cache),
        ("tmpfs", Self::Tmpfs),
        ("secret", Self::Secret),
        ("ssh", Self::Ssh),
    ];

    fn word(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|(_, kind)| *kind == self)
            .map_or("", |(word, _)| word)
    }
}

impl Sharing {
    pub(super) const WORDS: [(&'static str, Self); 3] = [
        ("shared", Self::Shared),
        ("private", Self::Private),
        ("locked", Self::Locked),
    ];
}

/// The words of Go's `strconv.ParseBool`.
fn parse_bool(word: &str) -> Option<bool> {
    match word {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Bytes, with a unit of 1024: `k`, `kb`, `KiB`, and so on up to `p`.
fn parse_size(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim_start().to_ascii_lowercase();
    let prefix = unit
        .strip_suffix("ib")
        .or_else(|| unit.strip_suffix('b'))
        .unwrap_or(&unit);
    let power = match prefix {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << (10 * power))
}
