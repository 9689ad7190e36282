//! Images in registries, as sources.

use std::io::Read;
use std::sync::Arc;

use iechor_snapshotter::Digest;
use ureq::Body;
use ureq::http::header::CONTENT_TYPE;
use ureq::http::{Method, Response};

use crate::descriptor::Descriptor;
use crate::json::MAX_MANIFEST;
use crate::media_type::ACCEPT;
use crate::platform::Platform;
use crate::reference::ImageRef;
use crate::registry::RegistryError;
use crate::registry::body::BlobBody;
use crate::registry::client::{Client, Outgoing};
use crate::registry::session::{Action, Session};
use crate::source::resolve::{self, Documents};
use crate::source::{ImageSource, ResolvedImage, SourceError};

/// Header with the digest of a manifest.
pub(super) const CONTENT_DIGEST: &str = "Docker-Content-Digest";

/// An image in a registry.
#[derive(Debug, Clone)]
pub struct RegistryImage {
    client: Arc<Client>,
    reference: ImageRef,
}

impl RegistryImage {
    pub(super) fn new(client: &Arc<Client>, reference: &ImageRef) -> Self {
        Self {
            client: Arc::clone(client),
            reference: reference.clone(),
        }
    }

    /// The reference that it was asked for by.
    pub fn reference(&self) -> &ImageRef {
        &self.reference
    }

    /// Digest of what stands behind the reference now, without reading it if the registry says:
    /// an index, if the image is for several platforms.
    pub fn digest(&self) -> Result<Digest, SourceError> {
        let session = Session::new(&self.client, &self.reference, Action::Pull);
        let target = self.reference.target();
        let answer = self.manifest_answer(&session, Method::HEAD, &target)?;
        match announced_digest(&answer) {
            Some(digest) => Ok(digest),
            None => Ok(self.top()?.0.digest),
        }
    }

    /// The document behind the reference, compared with the digest that names it.
    fn top(&self) -> Result<(Descriptor, Vec<u8>), RegistryError> {
        let session = Session::new(&self.client, &self.reference, Action::Pull);
        let answer = self.manifest_answer(&session, Method::GET, &self.reference.target())?;
        let media_type = media_type(&answer);
        let expected = self
            .reference
            .digest()
            .copied()
            .or(announced_digest(&answer));
        let bytes = self.read(answer, MAX_MANIFEST + 1)?;
        let actual = Digest::of(&bytes);
        match expected.filter(|expected| *expected != actual) {
            Some(expected) => {
                let reference = self.reference.to_string();
                Err(RegistryError::DigestMismatch {
                    reference,
                    actual,
                    expected,
                })
            }
            None => Ok((Descriptor::of(&media_type, &bytes), bytes)),
        }
    }

    fn manifest_answer(
        &self,
        session: &Session<'_>,
        method: Method,
        target: &str,
    ) -> Result<Response<Body>, RegistryError> {
        let url = session.url(&format!("manifests/{target}"));
        let request = Outgoing::new(method, url).header("Accept", ACCEPT);
        let answer = session.expect(&request, &[200, 404])?;
        match answer.status().as_u16() {
            404 => Err(RegistryError::NotFound {
                reference: self.reference.to_string(),
            }),
            _ => Ok(answer),
        }
    }

    fn read(&self, answer: Response<Body>, most: u64) -> Result<Vec<u8>, RegistryError> {
        let mut bytes = Vec::new();
        let read = answer
            .into_body()
            .into_reader()
            .take(most)
            .read_to_end(&mut bytes);
        read.map_err(|source| RegistryError::Body {
            host: self.reference.registry().to_owned(),
            source,
        })?;
        Ok(bytes)
    }

    fn blob(&self, blob: &Descriptor) -> Result<BlobBody, RegistryError> {
        BlobBody::open(&self.client, &self.reference, blob.digest, blob.size)
    }
}

impl Documents for RegistryImage {
    fn image(&self) -> String {
        self.reference.to_string()
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, SourceError> {
        let session = Session::new(&self.client, &self.reference, Action::Pull);
        let target = descriptor.digest.to_string();
        let answer = self.manifest_answer(&session, Method::GET, &target)?;
        Ok(self.read(answer, descriptor.size + 1)?)
    }

    fn config(&self, descriptor: &Descriptor) -> Result<Vec<u8>, SourceError> {
        let mut bytes = Vec::new();
        let read = self
            .blob(descriptor)?
            .take(descriptor.size + 1)
            .read_to_end(&mut bytes);
        let host = || self.reference.registry().to_owned();
        read.map_err(|source| RegistryError::Body {
            host: host(),
            source,
        })?;
        Ok(bytes)
    }
}

impl ImageSource for RegistryImage {
    fn resolve(&self, platform: &Platform) -> Result<ResolvedImage, SourceError> {
        let (descriptor, bytes) = self.top()?;
        resolve::resolve(self, descriptor, bytes, platform)
    }

    fn open(&self, layer: &Descriptor) -> Result<Box<dyn Read + Send>, SourceError> {
        Ok(Box::new(self.blob(layer)?))
    }
}

/// The media type of an answer, without parameters.
fn media_type(answer: &Response<Body>) -> String {
    let value = answer
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    value
        .and_then(|text| text.split(';').next())
        .unwrap_or_default()
        .trim()
        .to_owned()
}

pub(super) fn announced_digest(answer: &Response<Body>) -> Option<Digest> {
    answer
        .headers()
        .get(CONTENT_DIGEST)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}
