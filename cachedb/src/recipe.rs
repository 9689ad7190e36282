//! What a key is made of, kept so that a miss can be explained.

use std::collections::BTreeMap;

use iechor_snapshotter::Digest;

use crate::canonical::Encoder;
use crate::file_set::{ContextDigest, FileSet};
use crate::key::{CacheKey, Rule};

/// Names the encoding of keys; a change to the encoding changes the number.
const SCHEME: &[u8] = b"iechor cache key 1";

/// An instruction with everything that may change its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Key of the record that it builds on; `None` for FROM.
    pub parent: Option<CacheKey>,
    /// The instruction's word in capitals: `RUN`.
    pub kind: String,
    /// The normalised instruction as it enters the key.
    ///
    /// For FROM this is `FROM` alone: the tag is no part of the key (C18).
    pub instruction: String,
    /// The instruction as it is shown, where that differs: `FROM debian:12`. Not in the key.
    pub shown: Option<String>,
    /// What else enters the key, in this order.
    pub inputs: Vec<Input>,
}

/// One thing besides the instruction that enters a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The rule by which it enters.
    pub rule: Rule,
    /// What it is, as a miss names it: `ARG CACHEBUST`, `platform`, `secret npm`. In the key.
    pub name: String,
    /// A word for the reader that is *not* in the key: the tag of a base image, a URL's host.
    pub note: Option<String>,
    /// The value.
    pub value: InputValue,
}

/// Value of an [`Input`].
///
/// There is no variant for secrets: their properties are [`InputValue::Properties`], and their
/// contents have no way in (C14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputValue {
    /// A text: an argument's value, a user name.
    Text(String),
    /// A digest: a base image, a stage's key, an archive.
    Digest(Digest),
    /// Named options of a mount.
    Properties(BTreeMap<String, String>),
    /// Files of the build context, or of another source in content mode.
    Files(FileSet),
}

impl Recipe {
    /// The cache key: SHA-256 over the canonical encoding (`docs/cache-keys.md`).
    pub fn key(&self) -> CacheKey {
        CacheKey::new(Digest::of(&self.encode()))
    }

    fn encode(&self) -> Vec<u8> {
        let mut to = Encoder::with_capacity(512);
        to.string(SCHEME);
        encode_parent(self.parent.as_ref(), &mut to);
        to.string(self.kind.as_bytes());
        to.string(self.instruction.as_bytes());
        to.len(self.inputs.len());
        self.inputs.iter().for_each(|input| input.encode(&mut to));
        to.finish()
    }

    /// The instruction as people read it.
    pub fn text(&self) -> &str {
        self.shown.as_deref().unwrap_or(&self.instruction)
    }
}

impl Input {
    /// A build argument in scope (C12).
    pub fn arg(name: &str, value: &str) -> Self {
        Self::text(Rule::C12, format!("ARG {name}"), value)
    }

    /// An environment variable in force (C13).
    pub fn env(name: &str, value: &str) -> Self {
        Self::text(Rule::C13, format!("ENV {name}"), value)
    }

    /// The working directory in force (C13).
    pub fn workdir(path: &str) -> Self {
        Self::text(Rule::C13, "WORKDIR", path)
    }

    /// The user in force (C13).
    pub fn user(user: &str) -> Self {
        Self::text(Rule::C13, "USER", user)
    }

    /// The shell in force, as a JSON array (C13).
    pub fn shell(shell: &str) -> Self {
        Self::text(Rule::C13, "SHELL", shell)
    }

    /// The platform in force, as `linux/amd64` (C13).
    pub fn platform(platform: &str) -> Self {
        Self::text(Rule::C13, "platform", platform)
    }

    /// The base image (C18): its digest enters the key, its reference does not.
    pub fn base(reference: &str, digest: Digest) -> Self {
        Self {
            note: Some(reference.to_owned()),
            ..Self::digest(Rule::C18, "base", digest)
        }
    }

    /// A stage that files come from, or that FROM continues, by its last record's key (C7).
    ///
    /// The stage's name is shown; renaming a stage alone changes no key by this input.
    pub fn stage(name: &str, key: CacheKey) -> Self {
        Self {
            note: Some(name.to_owned()),
            ..Self::digest(Rule::C7, "stage", *key.digest())
        }
    }

    /// An image or named context that files come from, by its digest (C7).
    pub fn image(reference: &str, digest: Digest) -> Self {
        Self {
            note: Some(reference.to_owned()),
            ..Self::digest(Rule::C7, "image", digest)
        }
    }

    /// Files of the build context (C4), or by content (C6), that `source` names.
    pub fn files(source: &str, files: FileSet) -> Self {
        let rule = match files.mode() {
            ContextDigest::Metadata => Rule::C4,
            ContextDigest::Content => Rule::C6,
        };
        Self::new(rule, format!("files {source}"), InputValue::Files(files))
    }

    /// A secret's properties (C15): id, target, mode, uid, gid, required, env.
    pub fn secret(id: &str, properties: BTreeMap<String, String>) -> Self {
        Self::properties(Rule::C15, format!("secret {id}"), properties)
    }

    /// An SSH mount's properties (C15).
    pub fn ssh(id: &str, properties: BTreeMap<String, String>) -> Self {
        Self::properties(Rule::C15, format!("ssh {id}"), properties)
    }

    /// A cache, bind or tmpfs mount's properties (C16): `mount("cache", "/root/.npm", …)`.
    pub fn mount(kind: &str, target: &str, properties: BTreeMap<String, String>) -> Self {
        Self::properties(Rule::C16, format!("{kind} mount {target}"), properties)
    }

    /// Any text under any rule.
    pub fn text(rule: Rule, name: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(rule, name, InputValue::Text(value.into()))
    }

    /// Any digest under any rule.
    pub fn digest(rule: Rule, name: impl Into<String>, digest: Digest) -> Self {
        Self::new(rule, name, InputValue::Digest(digest))
    }

    /// Any named options under any rule.
    pub fn properties(
        rule: Rule,
        name: impl Into<String>,
        properties: BTreeMap<String, String>,
    ) -> Self {
        Self::new(rule, name, InputValue::Properties(properties))
    }

    /// An input without a note.
    pub fn new(rule: Rule, name: impl Into<String>, value: InputValue) -> Self {
        Self {
            rule,
            name: name.into(),
            note: None,
            value,
        }
    }

    fn encode(&self, to: &mut Encoder) {
        to.tag(self.rule.number());
        to.string(self.name.as_bytes());
        self.value.encode(to);
    }
}

impl InputValue {
    /// The tag of the value's form, in keys and in rows.
    pub(crate) const fn form(&self) -> u8 {
        match self {
            Self::Text(_) => 1,
            Self::Digest(_) => 2,
            Self::Properties(_) => 3,
            Self::Files(_) => 4,
        }
    }

    fn encode(&self, to: &mut Encoder) {
        to.tag(self.form());
        match self {
            Self::Text(text) => to.string(text.as_bytes()),
            Self::Digest(digest) => to.fixed(digest.as_bytes()),
            Self::Properties(properties) => encode_properties(properties, to),
            Self::Files(files) => to.fixed(files.digest().as_bytes()),
        }
    }
}

fn encode_parent(parent: Option<&CacheKey>, to: &mut Encoder) {
    match parent {
        None => to.tag(0),
        Some(key) => {
            to.tag(1);
            to.fixed(key.digest().as_bytes());
        }
    }
}

fn encode_properties(properties: &BTreeMap<String, String>, to: &mut Encoder) {
    to.len(properties.len());
    for (name, value) in properties {
        to.string(name.as_bytes());
        to.string(value.as_bytes());
    }
}
