//! Registries (OCI distribution-spec): pull and push over HTTP.
//!
//! ```text
//!  RegistryImage, push ─► Session (one repository: authorisation) ─► Client (retries, redirects)
//!                             └─ Challenge ─► token service             └─ ureq, rustls
//! ```

use std::sync::Arc;
use std::time::Duration;

use crate::export::Image;
use crate::http::HttpSettings;
use crate::progress::Progress;
use crate::reference::ImageRef;

mod body;
mod challenge;
mod client;
pub mod credentials;
pub mod docker_config;
mod endpoint;
mod error;
mod helper;
mod pull;
mod push;
mod session;
mod token;

use client::Client;
pub use credentials::{Anonymous, Credential, CredentialError, Credentials};
pub use docker_config::DockerConfig;
pub use error::RegistryError;
pub use pull::RegistryImage;

/// How registries are spoken to.
#[derive(Debug, Clone)]
pub struct RegistryOptions {
    /// Who we are, for registries that want to know.
    pub credentials: Arc<dyn Credentials>,
    /// Registries (`HOST` or `HOST:PORT`) that are spoken to over plain HTTP; those on loopback
    /// addresses always are.
    pub insecure: Vec<String>,
    /// Through which proxy they are reached, and whose certificates are good.
    pub http: HttpSettings,
    /// Longest wait for a connection, for an answer, and for each piece of one: 30 s.
    pub timeout: Duration,
    /// How often a request that failed for a passing reason is sent again: 4.
    pub retries: u32,
    /// First pause before sending again; doubles each time: 250 ms.
    pub pause: Duration,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            credentials: Arc::new(Anonymous),
            insecure: Vec::new(),
            http: HttpSettings::default(),
            timeout: Duration::from_secs(30),
            retries: 4,
            pause: Duration::from_millis(250),
        }
    }
}

/// A client of any number of registries. Cheap to clone; keeps connections and tokens.
#[derive(Debug, Clone)]
pub struct Registry {
    client: Arc<Client>,
}

impl Registry {
    /// A client. No request is made yet.
    pub fn new(options: RegistryOptions) -> Self {
        Self {
            client: Arc::new(Client::new(options)),
        }
    }

    /// An image in a registry, as a source. No request is made before it is resolved.
    pub fn image(&self, reference: &ImageRef) -> RegistryImage {
        RegistryImage::new(&self.client, reference)
    }

    /// Sends an image: layers that the registry lacks, the configuration, then the manifest under
    /// the tag of `reference`. Progress counts bytes of layers, skipped ones too.
    ///
    /// # Errors
    ///
    /// [`RegistryError`]; the tag is untouched unless everything else has arrived.
    pub fn push(
        &self,
        image: &Image,
        reference: &ImageRef,
        progress: Progress<'_>,
    ) -> Result<(), RegistryError> {
        push::push(&self.client, image, reference, progress)
    }
}
