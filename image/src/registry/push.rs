//! Pushing: blobs that the registry lacks, then the manifest (distribution-spec, "Push").

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use ureq::Body;
use ureq::http::header::LOCATION;
use ureq::http::{Method, Response};

use crate::descriptor::Descriptor;
use crate::export::{Image, ImageLayer};
use crate::progress::Progress;
use crate::reference::ImageRef;
use crate::registry::RegistryError;
use crate::registry::client::{Client, Outgoing, Payload, Sent};
use crate::registry::endpoint::join;
use crate::registry::pull::announced_digest;
use crate::registry::session::{Action, Session};
use crate::registry::token::encode;

/// How many layers are sent at once.
const UPLOADS: usize = 3;

/// Sends an image; see [`Registry::push`](super::Registry::push).
pub(super) fn push(
    client: &Client,
    image: &Image,
    reference: &ImageRef,
    progress: Progress<'_>,
) -> Result<(), RegistryError> {
    let origins = image
        .layers
        .iter()
        .filter_map(|layer| mountable(layer, reference));
    let origins: HashSet<&str> = origins.collect();
    let session = Session::new(client, reference, Action::Push)
        .reading_too(origins.into_iter().map(str::to_owned));
    let push = Push {
        session,
        reference,
        progress,
    };
    push.layers(&image.layers)?;
    push.config(&image.config, &image.config_bytes)?;
    push.manifest(&image.manifest, &image.manifest_bytes)
}

/// The repository from which the registry can take a layer itself.
fn mountable<'a>(layer: &'a ImageLayer, reference: &ImageRef) -> Option<&'a str> {
    let origin = layer.origin.as_ref()?;
    let is_same = origin.registry() == reference.registry();
    (is_same && origin.repository() != reference.repository()).then(|| origin.repository())
}

/// A push under way.
struct Push<'a> {
    session: Session<'a>,
    reference: &'a ImageRef,
    progress: Progress<'a>,
}

/// Whether a blob has to be sent.
enum Upload {
    /// The registry has it.
    Done,
    /// It is to be sent to this URL.
    To(String),
}

impl Push<'_> {
    /// Sends layers, several at once, each once.
    fn layers(&self, layers: &[ImageLayer]) -> Result<(), RegistryError> {
        let mut seen = HashSet::new();
        let unique = layers
            .iter()
            .filter(|layer| seen.insert(layer.descriptor.digest));
        let queue = Mutex::new(unique.collect::<Vec<_>>().into_iter());
        let next = || queue.lock().ok().and_then(|mut queue| queue.next());
        let work = || std::iter::from_fn(next).try_for_each(|layer| self.layer(layer));
        thread::scope(|scope| {
            let workers: Vec<_> = (1..UPLOADS).map(|_| scope.spawn(work)).collect();
            let mine = work();
            let others = workers.into_iter().filter_map(|worker| worker.join().ok());
            others
                .collect::<Vec<_>>()
                .into_iter()
                .fold(mine, Result::and)
        })
    }

    fn layer(&self, layer: &ImageLayer) -> Result<(), RegistryError> {
        let sent = Sent::new(self.progress);
        let mount = mountable(layer, self.reference);
        if !self.has(&layer.descriptor)?
            && let Upload::To(url) = self.begin(&layer.descriptor, mount)?
        {
            self.send_file(&layer.descriptor, &layer.path, &url, &sent)?;
        }
        sent.reach(layer.descriptor.size);
        Ok(())
    }

    fn has(&self, blob: &Descriptor) -> Result<bool, RegistryError> {
        let url = self.session.url(&format!("blobs/{}", blob.digest));
        let answer = self.session.send(&Outgoing::new(Method::HEAD, url))?;
        Ok(answer.status() == 200)
    }

    /// Asks for an upload, or for the blob of another repository in its place.
    fn begin(&self, blob: &Descriptor, mount: Option<&str>) -> Result<Upload, RegistryError> {
        let query = mount.map(|from| format!("?mount={}&from={}", blob.digest, encode(from)));
        let url = self
            .session
            .url(&format!("blobs/uploads/{}", query.unwrap_or_default()));
        let request = Outgoing::new(Method::POST, url).payload(Payload::Bytes(b""));
        let answer = self.session.expect(&request, &[201, 202])?;
        match answer.status().as_u16() {
            201 => Ok(Upload::Done),
            _ => self.location(&request, answer).map(Upload::To),
        }
    }

    fn location(
        &self,
        request: &Outgoing<'_>,
        answer: Response<Body>,
    ) -> Result<String, RegistryError> {
        let location = answer
            .headers()
            .get(LOCATION)
            .and_then(|value| value.to_str().ok());
        match location {
            Some(location) => Ok(join(&request.url, location)),
            None => Err(self.session.unexpected(request, answer)),
        }
    }

    fn send_file(
        &self,
        blob: &Descriptor,
        path: &Path,
        url: &str,
        sent: &Sent<'_>,
    ) -> Result<(), RegistryError> {
        self.finish(
            blob,
            url,
            Payload::File {
                path,
                size: blob.size,
                sent,
            },
        )
    }

    /// Sends a blob whole and closes the upload.
    fn finish(
        &self,
        blob: &Descriptor,
        url: &str,
        payload: Payload<'_>,
    ) -> Result<(), RegistryError> {
        let separator = if url.contains('?') { '&' } else { '?' };
        let url = format!(
            "{url}{separator}digest={}",
            encode(&blob.digest.to_string())
        );
        let request = Outgoing::new(Method::PUT, url)
            .header("Content-Type", "application/octet-stream")
            .payload(payload);
        self.session.expect(&request, &[201]).map(drop)
    }

    fn config(&self, config: &Descriptor, bytes: &[u8]) -> Result<(), RegistryError> {
        if self.has(config)? {
            return Ok(());
        }
        match self.begin(config, None)? {
            Upload::Done => Ok(()),
            Upload::To(url) => self.finish(config, &url, Payload::Bytes(bytes)),
        }
    }

    fn manifest(&self, manifest: &Descriptor, bytes: &[u8]) -> Result<(), RegistryError> {
        let target = match self.reference.tag() {
            Some(tag) => tag.to_owned(),
            None => manifest.digest.to_string(),
        };
        let url = self.session.url(&format!("manifests/{target}"));
        let request = Outgoing::new(Method::PUT, url)
            .header("Content-Type", manifest.media_type.clone())
            .payload(Payload::Bytes(bytes));
        let answer = self.session.expect(&request, &[201])?;
        match announced_digest(&answer).filter(|actual| *actual != manifest.digest) {
            Some(actual) => {
                let reference = self.reference.to_string();
                Err(RegistryError::DigestMismatch {
                    reference,
                    actual,
                    expected: manifest.digest,
                })
            }
            None => Ok(()),
        }
    }
}
