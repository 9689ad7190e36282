//! Image references: `debian`, `localhost:5000/app:v1`, `quay.io/team/app@sha256:…`.
//!
//! The grammar and the normalisation are those of docker (distribution's `reference` package):
//! what has no registry is on Docker Hub, what has no namespace there is in `library/`, and what
//! has neither tag nor digest has the tag `latest`.

use std::fmt;
use std::str::FromStr;

use iechor_snapshotter::{Digest, DigestError};

/// The registry of references that name none.
pub const DEFAULT_REGISTRY: &str = "docker.io";
const OFFICIAL: &str = "library/";
const DEFAULT_TAG: &str = "latest";
const MAX_NAME: usize = 255;
const MAX_TAG: usize = 128;

/// A normalised image reference. `Display` gives the canonical form
/// (`docker.io/library/debian:12`), [`ImageRef::familiar`] the one that people write.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageRef {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is not an image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// There is no name in it.
    #[error("image reference {0:?} has no name")]
    NoName(String),
    /// Only the registry may have upper-case letters.
    #[error("image name {0:?} must be lower case: write {1:?}")]
    UpperCase(String, String),
    /// A part of the name has characters that it may not have, or in the wrong place.
    #[error(
        "image name {name:?} is not valid at {component:?}: each part is made of a-z and 0-9, \
         with single '.', '_', '__' or dashes between them"
    )]
    Component {
        /// The whole name.
        name: String,
        /// Its part between two slashes.
        component: String,
    },
    /// The registry is not a host name or address with an optional port.
    #[error("{0:?} is not a registry: HOST, HOST:PORT or [IPV6]:PORT")]
    Registry(String),
    /// The tag has characters that it may not have, or too many.
    #[error(
        "{0:?} is not a tag: up to 128 letters, digits, '_', '.' and '-', not beginning with '.' or '-'"
    )]
    Tag(String),
    /// The digest is not a SHA-256 digest.
    #[error("in image reference {reference:?}")]
    Digest {
        /// The whole reference.
        reference: String,
        /// What is wrong with the digest.
        source: DigestError,
    },
    /// The name is longer than registries accept.
    #[error("image name {0:?} is longer than 255 characters")]
    TooLong(String),
    /// Docker reads such a name as an image id.
    #[error("image name {0:?} looks like an image id")]
    LooksLikeId(String),
}

impl ImageRef {
    /// Host, with the port if one was given: `docker.io`, `localhost:5000`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Path in the registry: `library/debian`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Registry and repository, without tag and digest: `docker.io/library/debian`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The tag; none when only a digest was given.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, when one was given; it counts before the tag.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// What stands behind the last slash of a manifest URL: the digest, else the tag.
    pub fn target(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => DEFAULT_TAG.to_owned(),
        }
    }

    /// The same repository and tag, pinned to a digest.
    #[must_use]
    pub fn pinned(&self, digest: Digest) -> Self {
        Self {
            digest: Some(digest),
            ..self.clone()
        }
    }

    /// The same repository with another tag and no digest.
    ///
    /// # Errors
    ///
    /// [`ReferenceError::Tag`].
    pub fn tagged(&self, tag: &str) -> Result<Self, ReferenceError> {
        let tag = Some(checked_tag(tag)?);
        Ok(Self {
            tag,
            digest: None,
            ..self.clone()
        })
    }

    /// As people write it: `debian:12`, without what is understood.
    pub fn familiar(&self) -> String {
        let name = match self.registry.as_str() {
            DEFAULT_REGISTRY => self
                .repository
                .strip_prefix(OFFICIAL)
                .unwrap_or(&self.repository)
                .to_owned(),
            _ => self.name(),
        };
        format!("{name}{}", self.suffix())
    }

    fn suffix(&self) -> String {
        let tag = self.tag.iter().map(|tag| format!(":{tag}"));
        let digest = self.digest.iter().map(|digest| format!("@{digest}"));
        tag.chain(digest).collect()
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.registry, self.repository, self.suffix())
    }
}

impl FromStr for ImageRef {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (rest, digest) = split_digest(text)?;
        let (name, tag) = split_tag(rest);
        let tag = tag.map(checked_tag).transpose()?;
        let tag = tag.or_else(|| digest.is_none().then(|| DEFAULT_TAG.to_owned()));
        let (registry, repository) = split_registry(name);
        check_registry(&registry)?;
        check_repository(text, &repository)?;
        Ok(Self {
            registry,
            repository,
            tag,
            digest,
        })
    }
}

fn split_digest(text: &str) -> Result<(&str, Option<Digest>), ReferenceError> {
    let Some((rest, digest)) = text.split_once('@') else {
        return Ok((text, None));
    };
    let refuse = |source| ReferenceError::Digest {
        reference: text.to_owned(),
        source,
    };
    Ok((rest, Some(digest.parse().map_err(refuse)?)))
}

/// A colon behind the last slash begins a tag; one before it belongs to the registry's port.
fn split_tag(text: &str) -> (&str, Option<&str>) {
    let last = text.rfind('/').map_or(0, |slash| slash + 1);
    match text[last..].split_once(':') {
        Some((name, tag)) => (&text[..last + name.len()], Some(tag)),
        None => (text, None),
    }
}

/// The first part is a registry if it cannot be a namespace: it has a dot, a colon or an
/// upper-case letter, or is `localhost`.
fn split_registry(name: &str) -> (String, String) {
    let is_registry = |part: &str| {
        part == "localhost"
            || part.contains(['.', ':'])
            || part.contains(|c: char| c.is_uppercase())
    };
    let (registry, path) = match name.split_once('/') {
        Some(("index.docker.io", path)) => (DEFAULT_REGISTRY, path),
        Some((first, path)) if is_registry(first) => (first, path),
        _ => (DEFAULT_REGISTRY, name),
    };
    let official = registry == DEFAULT_REGISTRY && !path.contains('/') && !path.is_empty();
    (
        registry.to_owned(),
        format!("{}{path}", if official { OFFICIAL } else { "" }),
    )
}

fn check_registry(registry: &str) -> Result<(), ReferenceError> {
    let refuse = || ReferenceError::Registry(registry.to_owned());
    let (host, port) = split_port(registry).ok_or_else(refuse)?;
    let port_is_number = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let host_is_valid = match host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(is_label),
    };
    if port_is_number && host_is_valid {
        Ok(())
    } else {
        Err(refuse())
    }
}

/// Host and port; none when it has a bracket that is not closed.
pub(crate) fn split_port(registry: &str) -> Option<(&str, Option<&str>)> {
    let end = if registry.starts_with('[') {
        registry.find(']')? + 1
    } else {
        0
    };
    match registry[end..].split_once(':') {
        Some((host, port)) => Some((&registry[..end + host.len()], Some(port))),
        None => Some((registry, None)),
    }
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn check_repository(reference: &str, name: &str) -> Result<(), ReferenceError> {
    let plain = name.strip_prefix(OFFICIAL).unwrap_or(name);
    if name.is_empty() {
        return Err(ReferenceError::NoName(reference.to_owned()));
    }
    if name.len() > MAX_NAME {
        return Err(ReferenceError::TooLong(name.to_owned()));
    }
    if plain.len() == 64 && Digest::from_hex(plain).is_ok() {
        return Err(ReferenceError::LooksLikeId(plain.to_owned()));
    }
    if plain.contains(|c: char| c.is_ascii_uppercase()) {
        return Err(ReferenceError::UpperCase(
            plain.to_owned(),
            plain.to_ascii_lowercase(),
        ));
    }
    match plain.split('/').find(|component| !is_component(component)) {
        Some(component) => Err(ReferenceError::Component {
            name: plain.to_owned(),
            component: component.to_owned(),
        }),
        None => Ok(()),
    }
}

/// Runs of letters and digits with one separator between two of them.
fn is_component(component: &str) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    let separators = bytes.split(is_word).filter(|between| !between.is_empty());
    bytes.first().is_some_and(is_word)
        && bytes.last().is_some_and(is_word)
        && separators.into_iter().all(is_separator)
}

fn is_separator(between: &[u8]) -> bool {
    matches!(between, b"." | b"_" | b"__") || between.iter().all(|byte| *byte == b'-')
}

fn checked_tag(tag: &str) -> Result<String, ReferenceError> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_valid = tag.len() <= MAX_TAG
        && tag.bytes().next().is_some_and(is_word)
        && tag
            .bytes()
            .all(|byte| is_word(byte) || byte == b'.' || byte == b'-');
    if is_valid {
        Ok(tag.to_owned())
    } else {
        Err(ReferenceError::Tag(tag.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn canonical(text: &str) -> String {
        text.parse::<ImageRef>()
            .unwrap_or_else(|error| panic!("{text}: {error}"))
            .to_string()
    }

    fn error(text: &str) -> String {
        text.parse::<ImageRef>().unwrap_err().to_string()
    }

    #[test]
    fn references_are_normalised_as_docker_does() {
        for (written, expected) in [
            ("debian", "docker.io/library/debian:latest"),
            ("debian:12-slim", "docker.io/library/debian:12-slim"),
            ("team/app", "docker.io/team/app:latest"),
            ("docker.io/debian", "docker.io/library/debian:latest"),
            (
                "index.docker.io/library/debian",
                "docker.io/library/debian:latest",
            ),
            ("localhost/app", "localhost/app:latest"),
            ("localhost:5000/app:v1", "localhost:5000/app:v1"),
            ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000/a/b/c:latest"),
            ("[::1]:5000/app:v1", "[::1]:5000/app:v1"),
            ("Host/app", "Host/app:latest"),
            ("a__b/c-d--e.f", "docker.io/a__b/c-d--e.f:latest"),
        ] {
            assert_eq!(canonical(written), expected, "{written}");
        }
    }

    #[test]
    fn a_digest_needs_no_tag_and_counts_before_one() {
        let text = format!("quay.io/team/app@sha256:{HEX}");
        assert_eq!(canonical(&text), text);
        let both: ImageRef = format!("app:v1@sha256:{HEX}").parse().unwrap();
        assert_eq!(
            (both.tag(), both.target()),
            (Some("v1"), format!("sha256:{HEX}"))
        );
    }

    #[test]
    fn the_familiar_form_leaves_out_what_is_understood() {
        for text in ["debian:12", "team/app:latest", "localhost:5000/app:v1"] {
            assert_eq!(text.parse::<ImageRef>().unwrap().familiar(), text);
        }
    }

    #[test]
    fn errors_say_what_is_wrong() {
        assert_eq!(
            error("Debian"),
            "image name \"Debian\" must be lower case: write \"debian\""
        );
        assert_eq!(error(""), "image reference \"\" has no name");
        assert!(error("localhost:5000/").contains("has no name"));
        assert!(error("a//b").contains("not valid at \"\""));
        assert!(error("a..b").contains("not valid at \"a..b\""));
        assert!(error("-a").contains("not valid"));
        assert!(error("app:").contains("is not a tag"));
        assert!(error("app:-x").contains("is not a tag"));
        assert!(error("host:port/app").contains("is not a registry"));
        assert!(error("[::1/app").contains("is not a registry"));
        assert!(error("app@sha256:12").contains("app@sha256:12"));
        assert!(error(HEX).contains("looks like an image id"));
        assert!(error(&"a".repeat(256)).contains("longer than 255"));
    }
}
