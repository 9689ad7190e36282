//! Registries (OCI distribution-spec): pull and push over HTTP.

use std::sync::Arc;
use std::time::Duration;

use crate::export::Image;
use crate::progress::Progress;
use crate::reference::ImageRef;

pub mod credentials;
pub mod docker_config;

pub use credentials::{Anonymous, Credential, CredentialError, Credentials};
pub use docker_config::DockerConfig;

/// How registries are spoken to.
#[derive(Debug, Clone)]
pub struct RegistryOptions {
    /// Who we are, for registries that want to know.
    pub credentials: Arc<dyn Credentials>,
    /// Registries (`HOST` or `HOST:PORT`) that are spoken to over plain HTTP; those on loopback
    /// addresses always are.
    pub insecure: Vec<String>,
    /// Longest wait for a connection and for each answer: 30 s.
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
            timeout: Duration::from_secs(30),
            retries: 4,
            pause: Duration::from_millis(250),
        }
    }
}

/// A client of any number of registries. Cheap to clone; keeps connections and tokens.
#[derive(Debug, Clone)]
pub struct Registry {}

impl Registry {
    /// A client.
    pub fn new(options: RegistryOptions) -> Self {
        todo!()
    }

    /// An image in a registry, as a source. No request is made before it is resolved.
    pub fn image(&self, reference: &ImageRef) -> RegistryImage {
        todo!()
    }

    /// Sends an image: layers that the registry lacks, the configuration, then the manifest under
    /// the tag (or digest) of `reference`. Progress counts bytes of layers, skipped ones too.
    pub fn push(
        &self,
        image: &Image,
        reference: &ImageRef,
        progress: Progress<'_>,
    ) -> Result<(), RegistryError> {
        todo!()
    }
}

/// An image in a registry.
#[derive(Debug, Clone)]
pub struct RegistryImage {
    registry: Registry,
    reference: ImageRef,
}

/// Why a registry did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {}
