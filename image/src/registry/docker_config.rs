//! `~/.docker/config.json` and podman's `auth.json`.

use std::path::Path;

use crate::registry::credentials::{Credential, CredentialError, Credentials};

/// Credentials of one or several such files; the first that has an entry counts.
#[derive(Debug, Clone, Default)]
pub struct DockerConfig {}

impl DockerConfig {
    /// Parses the text of a file; `path` is for messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self, CredentialError> {
        todo!()
    }

    /// Reads a file; none when there is no such file.
    pub fn read(path: &Path) -> Result<Option<Self>, CredentialError> {
        todo!()
    }
}

impl Credentials for DockerConfig {
    fn find(
        &self,
        registry: &str,
        repository: &str,
    ) -> Result<Option<Credential>, CredentialError> {
        todo!()
    }
}

/// Asks one after the other.
impl<C: Credentials> Credentials for Vec<C> {
    fn find(
        &self,
        registry: &str,
        repository: &str,
    ) -> Result<Option<Credential>, CredentialError> {
        for credentials in self {
            if let Some(found) = credentials.find(registry, repository)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}
