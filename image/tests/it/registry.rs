//! Pulling and pushing, from and to a registry that answers as it is told.

mod authorisation;
mod pull;
mod push;
mod redirects;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use iechor_image::config::ImageConfig;
use iechor_image::manifest::{Index, IndexEntry, Manifest};
use iechor_image::media_type::{
    DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_LAYER_GZIP, OCI_MANIFEST,
};
use iechor_image::progress::silent;
use iechor_image::registry::{
    Credential, CredentialError, Credentials, RegistryImage, RegistryOptions,
};
use iechor_image::{
    Compression, Descriptor, Image, ImageLayer, ImageRef, ImageSource, Platform, Registry,
};
use iechor_snapshotter::Digest;

use crate::mock::{Mock, Received, Reply, reply};
use crate::store::{Store, store};
use crate::tarball::tar;

/// Who we are in these tests.
#[derive(Debug, Clone)]
struct Known(Option<Credential>);

impl Credentials for Known {
    fn find(&self, _: &str, _: &str) -> Result<Option<Credential>, CredentialError> {
        Ok(self.0.clone())
    }
}

fn basic() -> Option<Credential> {
    Some(Credential::Basic {
        username: "u".into(),
        password: "p".into(),
    })
}

/// "u:p" in base64.
const BASIC: &str = "Basic dTpw";

fn client_as(credential: Option<Credential>) -> Registry {
    Registry::new(RegistryOptions {
        credentials: Arc::new(Known(credential)),
        pause: Duration::from_millis(1),
        timeout: Duration::from_secs(5),
        ..RegistryOptions::default()
    })
}

fn reference(mock: &Mock, rest: &str) -> ImageRef {
    format!("{}/{rest}", mock.host).parse().unwrap()
}

fn image(mock: &Mock) -> RegistryImage {
    client_as(None).image(&reference(mock, "app:v1"))
}

fn linux() -> Platform {
    "linux/amd64".parse().unwrap()
}

fn resolve_error(mock: &Mock) -> String {
    let error = image(mock).resolve(&linux()).unwrap_err();
    let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}

/// An image of one layer, as documents.
struct Sample {
    layer: Vec<u8>,
    config: Vec<u8>,
    manifest: Vec<u8>,
}

impl Sample {
    fn new() -> Self {
        let layer = tar().file("hello", &"world ".repeat(2000)).end();
        let mut config = ImageConfig::scratch(&linux());
        config.rootfs.diff_ids.push(Digest::of(&layer).to_string());
        let config = config.to_bytes().unwrap();
        let manifest = Manifest::new(
            Descriptor::of(OCI_CONFIG, &config),
            vec![Descriptor::of(OCI_LAYER, &layer)],
        );
        Self {
            layer,
            config,
            manifest: serde_json::to_vec(&manifest).unwrap(),
        }
    }

    fn layer(&self) -> Descriptor {
        Descriptor::of(OCI_LAYER, &self.layer)
    }

    fn manifest_reply(&self) -> Reply {
        reply(200)
            .header("Content-Type", OCI_MANIFEST)
            .body(self.manifest.clone())
    }

    fn blob_line(bytes: &[u8]) -> String {
        format!("GET /v2/app/blobs/{}", Digest::of(bytes))
    }

    /// Has a registry serve the image as `app:v1`.
    fn serve(&self, mock: &Mock) {
        mock.on("GET /v2/app/manifests/v1", self.manifest_reply());
        let by_digest = format!("GET /v2/app/manifests/{}", Digest::of(&self.manifest));
        mock.on(&by_digest, self.manifest_reply());
        for bytes in [&self.config, &self.layer] {
            mock.on(&Self::blob_line(bytes), reply(200).body(bytes.clone()));
        }
    }
}
