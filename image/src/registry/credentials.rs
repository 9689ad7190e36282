//! Credentials: who we are to a registry.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Proof of who we are. `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// User name and password.
    Basic {
        /// The user name.
        username: String,
        /// The password or access token.
        password: String,
    },
    /// A refresh token (Docker's `identitytoken`), which buys access tokens by OAuth2.
    IdentityToken(String),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic([redacted])",
            Self::IdentityToken(_) => "IdentityToken([redacted])",
        })
    }
}

/// Who knows our credentials.
pub trait Credentials: Send + Sync + fmt::Debug {
    /// The credential for a repository of a registry (`docker.io`, `library/debian`); none to
    /// come as nobody.
    fn find(&self, registry: &str, repository: &str)
    -> Result<Option<Credential>, CredentialError>;
}

/// Why a credential could not be had. No message has a secret in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The file could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The file is not what docker or podman write.
    #[error("{path} is not a valid file of credentials")]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// An entry's `auth` is not base64 of `USER:PASSWORD`.
    #[error("entry {key:?} in {path} is not of the form USER:PASSWORD in base64")]
    Auth {
        /// The file.
        path: PathBuf,
        /// The entry.
        key: String,
    },
    /// A helper's name would lead to a program that is none.
    #[error("{0:?} is not the name of a credential helper")]
    HelperName(String),
    /// The helper could not be run.
    #[error("cannot run the credential helper {program}")]
    HelperStart {
        /// The program.
        program: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The helper gave no answer in time.
    #[error("credential helper {program} did not answer within {seconds} s")]
    HelperTimeout {
        /// The program.
        program: String,
        /// How long it had.
        seconds: u64,
    },
    /// The helper failed.
    #[error("credential helper {program} failed: {message}")]
    HelperFailed {
        /// The program.
        program: String,
        /// What it said, without what may be secret.
        message: String,
    },
}

/// Knows none.
#[derive(Debug, Clone, Copy)]
pub struct Anonymous;

impl Credentials for Anonymous {
    fn find(&self, _: &str, _: &str) -> Result<Option<Credential>, CredentialError> {
        Ok(None)
    }
}

/// Asks one after the other; the first that knows counts.
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
