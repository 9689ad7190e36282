//! From the options of a mount to the mount.

use super::{
    BindMount, CacheMount, Mount, MountAccess, MountFlag, MountOption, MountType, Requirement,
    SecretMount, Sharing, SshMount, TmpfsMount,
};
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
const ENV: &str = "env";

impl MountFlag {
    /// The mount, its options expanded, checked and completed with their defaults.
    ///
    /// The error is about the first thing that is wrong.
    pub fn resolve(&self, expander: &mut Expander<'_>) -> Result<Mount, Box<Diagnostic>> {
        self.resolve_all(expander)
            .map_err(|errors| Box::new(errors.first))
    }

    /// As [`resolve`](Self::resolve), with everything that is wrong.
    pub(crate) fn resolve_all(&self, expander: &mut Expander<'_>) -> Result<Mount, Box<Errors>> {
        let mut options = Options::expand(self, expander);
        let mount = options.mount();
        options.refuse_the_rest();
        let mut errors = options.errors.into_iter();
        match errors.next() {
            None => Ok(mount),
            Some(first) => Err(Box::new(Errors {
                first,
                others: errors.collect(),
            })),
        }
    }

    /// An error for each option that no mount has.
    pub(crate) fn unknown_keys(&self) -> impl Iterator<Item = Diagnostic> {
        self.options
            .iter()
            .filter(|option| canonical_name(option).is_none())
            .map(unknown_key)
    }
}

/// What is wrong with a mount.
#[derive(Debug)]
pub(crate) struct Errors {
    pub(crate) first: Diagnostic,
    pub(crate) others: Vec<Diagnostic>,
}

/// The one name of an option, whichever of its names was written.
fn canonical_name(option: &MountOption) -> Option<&'static str> {
    let key = option.key.raw().to_ascii_lowercase();
    let is_meant =
        |(name, others): &&(&str, &[&str])| *name == key || others.contains(&key.as_str());
    let known = OPTIONS.iter().find(is_meant).map(|(name, _)| *name);
    known.or_else(|| (key == ENV).then_some(ENV))
}

fn unknown_key(option: &MountOption) -> Diagnostic {
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
struct Options {
    known: Vec<Known>,
    errors: Vec<Diagnostic>,
    whole: Span,
    kind: MountType,
}

impl Options {
    fn expand(flag: &MountFlag, expander: &mut Expander<'_>) -> Self {
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

    fn mount(&mut self) -> Mount {
        match self.kind {
            MountType::Bind => Mount::Bind(self.bind()),
            MountType::Cache => Mount::Cache(self.cache()),
            MountType::Tmpfs => Mount::Tmpfs(self.tmpfs()),
            MountType::Secret => Mount::Secret(self.secret()),
            MountType::Ssh => Mount::Ssh(self.ssh()),
        }
    }

    fn bind(&mut self) -> BindMount {
        BindMount {
            target: self.needed_target(),
            from: self.text("from"),
            source: self.text("source").unwrap_or_else(|| "/".to_owned()),
            access: self.access(MountAccess::ReadOnly),
        }
    }

    fn cache(&mut self) -> CacheMount {
        let target = self.needed_target();
        CacheMount {
            id: self.text("id").unwrap_or_else(|| target.clone()),
            from: self.text("from"),
            source: self.text("source").unwrap_or_else(|| "/".to_owned()),
            access: self.access(MountAccess::ReadWrite),
            sharing: self.word("sharing", &Sharing::WORDS).unwrap_or_default(),
            mode: self.mode().unwrap_or(0o755),
            uid: self.owner("uid"),
            gid: self.owner("gid"),
            target,
        }
    }

    fn tmpfs(&mut self) -> TmpfsMount {
        TmpfsMount {
            target: self.needed_target(),
            size: self.size(),
        }
    }

    fn secret(&mut self) -> SecretMount {
        let source = self.text("source");
        let target = self.text("target");
        let id = self
            .text("id")
            .or(source)
            .or_else(|| target.as_deref().map(last_component));
        if id.as_ref().is_none_or(String::is_empty) {
            self.missing("id", "as in --mount=type=secret,id=NAME");
        }
        SecretMount {
            id: id.unwrap_or_default(),
            target,
            env: self.text(ENV),
            requirement: self.requirement(),
            mode: self.mode().unwrap_or(0o400),
            uid: self.owner("uid"),
            gid: self.owner("gid"),
        }
    }

    fn ssh(&mut self) -> SshMount {
        SshMount {
            id: self.text("id").unwrap_or_else(|| "default".to_owned()),
            target: self.text("target"),
            requirement: self.requirement(),
            mode: self.mode().unwrap_or(0o600),
            uid: self.owner("uid"),
            gid: self.owner("gid"),
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

    fn text(&mut self, name: &str) -> Option<String> {
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

    fn word<T: Copy>(&mut self, name: &str, words: &[(&'static str, T)]) -> Option<T> {
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

    fn access(&mut self, default: MountAccess) -> MountAccess {
        let read_only = self.switch("readonly");
        let read_write = self.switch("readwrite");
        match (read_only, read_write) {
            (Some(true), _) | (_, Some(false)) => MountAccess::ReadOnly,
            (Some(false), _) | (_, Some(true)) => MountAccess::ReadWrite,
            (None, None) => default,
        }
    }

    fn requirement(&mut self) -> Requirement {
        match self.switch("required") {
            Some(true) => Requirement::Required,
            _ => Requirement::Optional,
        }
    }

    fn mode(&mut self) -> Option<u32> {
        self.parsed("mode", "must be octal, at most 7777", |value| {
            let digits = value.bytes().all(|byte| byte.is_ascii_digit());
            let mode = digits.then(|| u32::from_str_radix(value, 8).ok()).flatten();
            mode.filter(|mode| *mode <= 0o7777)
        })
    }

    /// 2^32 - 1 means "do not change" to the kernel and is nobody's number.
    fn owner(&mut self, name: &str) -> u32 {
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

    fn size(&mut self) -> Option<u64> {
        self.parsed("size", "must be as in 512, 64k, 100m or 1g", parse_size)
    }

    fn needed_target(&mut self) -> String {
        let target = self.text("target");
        if target.is_none() {
            self.missing("target", "as in target=/path");
        }
        target.unwrap_or_default()
    }

    fn missing(&mut self, name: &str, how: &str) {
        let message = format!("a mount of type {} needs {name}", self.kind.word());
        let error = Diagnostic::error(Code::MISSING_MOUNT_OPTION, self.whole, message);
        self.errors.push(error.label(how));
    }

    /// What was not taken is for other types of mounts.
    fn refuse_the_rest(&mut self) {
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
    const WORDS: [(&'static str, Self); 3] = [
        ("shared", Self::Shared),
        ("private", Self::Private),
        ("locked", Self::Locked),
    ];
}

fn last_component(path: &str) -> String {
    path.trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned()
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
