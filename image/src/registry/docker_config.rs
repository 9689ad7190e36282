//! `~/.docker/config.json` and podman's `auth.json`.
//!
//! Keys of `auths` are a host (`quay.io`), with podman also a part of a repository
//! (`quay.io/team`), of which the longest counts; docker writes `https://index.docker.io/v1/` for
//! Docker Hub. A helper that is named for a host counts before the file's own entries, and so does
//! `credsStore`, if it knows the host.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::reference::DEFAULT_REGISTRY;
use crate::registry::credentials::{Credential, CredentialError, Credentials};
use crate::registry::helper::{Answer, Helper};

/// How docker names Docker Hub in its files.
const HUB_KEY: &str = "https://index.docker.io/v1/";

/// Credentials of one such file. `Debug` shows no secret.
#[derive(Clone, Default)]
pub struct DockerConfig {
    path: PathBuf,
    file: ConfigFile,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ConfigFile {
    auths: HashMap<String, Auth>,
    creds_store: Option<String>,
    cred_helpers: HashMap<String, String>,
}

/// One entry of `auths`.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

impl fmt::Debug for DockerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DockerConfig")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl DockerConfig {
    /// Parses the text of a file; `path` is for messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self, CredentialError> {
        let file = serde_json::from_str(text).map_err(|source| CredentialError::Json {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    /// Reads a file; none when there is no such file.
    pub fn read(path: &Path) -> Result<Option<Self>, CredentialError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, path).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(CredentialError::Read {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// The helper for a host: its own, else the one for all.
    fn helper(&self, registry: &str) -> Option<&str> {
        let own = hosts(registry).find_map(|key| self.file.cred_helpers.get(key));
        own.or(self.file.creds_store.as_ref())
            .map(String::as_str)
            .filter(|name| !name.is_empty())
    }

    fn ask_helper(&self, registry: &str) -> Result<Option<Credential>, CredentialError> {
        let Some(name) = self.helper(registry) else {
            return Ok(None);
        };
        let helper = Helper::new(name)?;
        for key in hosts(registry) {
            match helper.get(key)? {
                Answer::Unknown => {}
                Answer::Known(credential) => return Ok(Some(credential)),
            }
        }
        Ok(None)
    }

    /// The entry with the longest key that names the registry and the beginning of the repository.
    fn look_up(
        &self,
        registry: &str,
        repository: &str,
    ) -> Result<Option<Credential>, CredentialError> {
        let depth = |key: &str| matching_depth(key, registry, repository);
        let entries = self
            .file
            .auths
            .iter()
            .filter_map(|(key, auth)| Some((depth(key)?, key, auth)));
        match entries.max_by_key(|(depth, key, _)| (*depth, std::cmp::Reverse(key.len()))) {
            Some((_, key, auth)) => auth.credential(key, &self.path),
            None => Ok(None),
        }
    }
}

impl Credentials for DockerConfig {
    fn find(
        &self,
        registry: &str,
        repository: &str,
    ) -> Result<Option<Credential>, CredentialError> {
        match self.ask_helper(registry)? {
            Some(credential) => Ok(Some(credential)),
            None => self.look_up(registry, repository),
        }
    }
}

impl Auth {
    fn credential(&self, key: &str, path: &Path) -> Result<Option<Credential>, CredentialError> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(token) = given(&self.identitytoken) {
            return Ok(Some(Credential::IdentityToken(token)));
        }
        if let (Some(username), Some(password)) = (given(&self.username), given(&self.password)) {
            return Ok(Some(Credential::Basic { username, password }));
        }
        let Some(auth) = given(&self.auth) else {
            return Ok(None);
        };
        let refuse = || CredentialError::Auth {
            path: path.to_owned(),
            key: key.to_owned(),
        };
        decode(&auth).map(Some).ok_or_else(refuse)
    }
}

/// `USER:PASSWORD` in base64; docker pads old entries with NULs.
fn decode(auth: &str) -> Option<Credential> {
    let text = String::from_utf8(STANDARD.decode(auth.trim()).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    let password = password.trim_end_matches('\0').to_owned();
    Some(Credential::Basic {
        username: username.to_owned(),
        password,
    })
}

/// The keys by which a registry is known to helpers.
fn hosts(registry: &str) -> impl Iterator<Item = &str> {
    let hub = [HUB_KEY, "index.docker.io"]
        .into_iter()
        .filter(move |_| registry == DEFAULT_REGISTRY);
    hub.chain([registry])
}

/// How many parts of the repository a key names, if it names the registry and them.
fn matching_depth(key: &str, registry: &str, repository: &str) -> Option<usize> {
    let key = key
        .strip_prefix("https://")
        .or(key.strip_prefix("http://"))
        .unwrap_or(key);
    let (host, path) = key.split_once('/').unwrap_or((key, ""));
    let path = match path.trim_end_matches('/') {
        "v1" | "v2" => "",
        other => other,
    };
    let is_hub = |host: &str| {
        matches!(
            host,
            "docker.io" | "index.docker.io" | "registry-1.docker.io"
        )
    };
    if host != registry && !(is_hub(host) && registry == DEFAULT_REGISTRY) {
        return None;
    }
    let mut parts = repository.split('/');
    let mut named = path.split('/').filter(|part| !part.is_empty());
    named.try_fold(0, |depth, part| {
        (parts.next() == Some(part)).then_some(depth + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> DockerConfig {
        DockerConfig::parse(text, Path::new("config.json")).unwrap()
    }

    fn auths(keys: &[&str]) -> DockerConfig {
        let entry = |key: &&str| {
            format!(
                "{key:?}: {{\"auth\": {:?}}}",
                STANDARD.encode(format!("{}:p", key.replace(':', "!")))
            )
        };
        let entries: Vec<String> = keys.iter().map(entry).collect();
        config(&format!("{{\"auths\": {{{}}}}}", entries.join(",")))
    }

    fn user(config: &DockerConfig, registry: &str, repository: &str) -> Option<String> {
        match config.find(registry, repository).unwrap()? {
            Credential::Basic { username, .. } => Some(username.replace('!', ":")),
            Credential::IdentityToken(token) => Some(token),
        }
    }

    #[test]
    fn the_longest_key_that_fits_counts() {
        let config = auths(&["quay.io", "quay.io/team", "quay.io/team/app", "quay.io/te"]);
        assert_eq!(
            user(&config, "quay.io", "team/app").as_deref(),
            Some("quay.io/team/app")
        );
        assert_eq!(
            user(&config, "quay.io", "team/other").as_deref(),
            Some("quay.io/team")
        );
        assert_eq!(
            user(&config, "quay.io", "teams/app").as_deref(),
            Some("quay.io")
        );
        assert_eq!(user(&config, "quay.io:443", "team/app"), None);
    }

    #[test]
    fn docker_hub_has_names_of_its_own() {
        for key in [
            HUB_KEY,
            "docker.io",
            "index.docker.io",
            "https://docker.io/library",
        ] {
            let config = auths(&[key]);
            assert_eq!(
                user(&config, "docker.io", "library/debian").as_deref(),
                Some(key)
            );
        }
    }

    #[test]
    fn identity_tokens_and_plain_fields_are_read() {
        let text = r#"{"auths": {"a": {"auth": "eDp5", "identitytoken": "t"},
            "b": {"username": "u", "password": "p"}, "c": {}}}"#;
        let config = config(text);
        assert_eq!(user(&config, "a", "x").as_deref(), Some("t"));
        assert_eq!(user(&config, "b", "x").as_deref(), Some("u"));
        assert_eq!(user(&config, "c", "x"), None);
    }

    #[test]
    fn damage_is_told_without_the_secret() {
        let broken = config(r#"{"auths": {"a": {"auth": "c2VjcmV0"}}}"#);
        let error = broken.find("a", "x").unwrap_err().to_string();
        assert_eq!(
            error,
            "entry \"a\" in config.json is not of the form USER:PASSWORD in base64"
        );
        let error = DockerConfig::parse("{", Path::new("config.json")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "config.json is not a valid file of credentials"
        );
        assert!(!format!("{:?}", auths(&["a"])).contains("auth\""));
    }
}
