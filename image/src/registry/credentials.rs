//! Credentials: who we are to a registry.

use std::fmt;

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

/// Why a credential could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {}

/// Knows none.
#[derive(Debug, Clone, Copy)]
pub struct Anonymous;

impl Credentials for Anonymous {
    fn find(&self, _: &str, _: &str) -> Result<Option<Credential>, CredentialError> {
        Ok(None)
    }
}
