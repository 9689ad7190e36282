//! Why a registry did not do what was asked.

use std::io;
use std::path::PathBuf;

use iechor_snapshotter::Digest;

use crate::http::HttpError;
use crate::registry::credentials::CredentialError;

/// Why a registry did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// No connection, no answer, or none that is HTTP.
    #[error("cannot reach the registry {host}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// What happened.
        source: Box<ureq::Error>,
    },
    /// Its certificate is none that we trust.
    #[error(
        "the certificate of the registry {host} is not trusted: put the certificate of its authority \
         into /etc/containers/certs.d/{host}/ca.crt, or let SSL_CERT_FILE name a file with it"
    )]
    Untrusted {
        /// Host and port.
        host: String,
        /// What is wrong with it.
        source: Box<ureq::Error>,
    },
    /// The registry wants to know who we are, or does not like who we are.
    #[error(
        "registry {host} does not let {who} {action} {repository}: log in with `docker login \
         {host}` or `podman login {host}`, or check the name"
    )]
    Unauthorized {
        /// Host and port.
        host: String,
        /// "anonymous users", "the user given".
        who: &'static str,
        /// "pull from", "push to".
        action: &'static str,
        /// The repository.
        repository: String,
    },
    /// There is no such image.
    #[error("{reference} is not in the registry")]
    NotFound {
        /// The image, or blob of it.
        reference: String,
    },
    /// Some other answer than expected.
    #[error("registry {host} answered {status} when asked to {request}{message}")]
    Status {
        /// Host and port.
        host: String,
        /// HTTP status.
        status: u16,
        /// What was asked for: "GET /v2/…".
        request: String,
        /// What it said, with a colon before; or nothing.
        message: String,
    },
    /// The credentials could not be had.
    #[error("cannot get credentials for the registry {host}")]
    Credentials {
        /// Host and port.
        host: String,
        /// Why.
        source: CredentialError,
    },
    /// The registry demands a kind of authorisation that is not known, or in a way that would show
    /// the credentials to others.
    #[error("registry {host} asks for authorisation in a way that is not supported: {reason}")]
    Challenge {
        /// Host and port.
        host: String,
        /// What it asked.
        reason: String,
    },
    /// The answer led elsewhere, in a circle or from HTTPS to HTTP.
    #[error("registry {host} redirects to {location}, which is not followed")]
    Redirect {
        /// Host and port.
        host: String,
        /// Where it led.
        location: String,
    },
    /// The answer broke off.
    #[error("answer of the registry {host} broke off")]
    Body {
        /// Host and port.
        host: String,
        /// What happened.
        source: io::Error,
    },
    /// What the registry says is not what it gives.
    #[error("{reference} has digest {actual}, not {expected}")]
    DigestMismatch {
        /// The image.
        reference: String,
        /// Digest of the bytes received, or what the registry made of those sent.
        actual: Digest,
        /// Digest that was named.
        expected: Digest,
    },
    /// A layer to be pushed could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The registry could not be spoken to as the settings say.
    #[error(transparent)]
    Http(#[from] HttpError),
}
