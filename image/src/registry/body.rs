//! The bytes of a blob, asked for again from where they broke off.

use std::io::{self, Read};
use std::sync::Arc;

use iechor_snapshotter::Digest;
use ureq::BodyReader;
use ureq::http::Method;

use crate::reference::ImageRef;
use crate::registry::RegistryError;
use crate::registry::client::{Client, Outgoing};
use crate::registry::session::{Action, Session};

/// The bytes of a blob as they come from the registry.
pub(super) struct BlobBody {
    client: Arc<Client>,
    reference: ImageRef,
    digest: Digest,
    size: u64,
    position: u64,
    body: BodyReader<'static>,
    /// How often it may still break off.
    retries: u32,
}

impl BlobBody {
    /// Asks for a blob that has `size` bytes.
    pub(super) fn open(
        client: &Arc<Client>,
        reference: &ImageRef,
        digest: Digest,
        size: u64,
    ) -> Result<Self, RegistryError> {
        Ok(Self {
            client: Arc::clone(client),
            reference: reference.clone(),
            digest,
            size,
            position: 0,
            body: request(client, reference, &digest, 0)?,
            retries: client.options.retries,
        })
    }

    /// Asks for the rest.
    fn resume(&mut self) -> io::Result<()> {
        self.retries -= 1;
        let body = request(&self.client, &self.reference, &self.digest, self.position);
        self.body = body.map_err(io::Error::other)?;
        Ok(())
    }
}

impl Read for BlobBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let result = self.body.read(buffer);
            let is_broken = match &result {
                Ok(0) => !buffer.is_empty() && self.position < self.size,
                Ok(_) => false,
                Err(_) => true,
            };
            if !is_broken || self.retries == 0 {
                self.position += result.as_ref().map_or(0, |n| *n as u64);
                return result;
            }
            self.resume()?;
        }
    }
}

/// Asks for a blob from an offset on.
fn request(
    client: &Client,
    reference: &ImageRef,
    digest: &Digest,
    offset: u64,
) -> Result<BodyReader<'static>, RegistryError> {
    let session = Session::new(client, reference, Action::Pull);
    let request = Outgoing::new(Method::GET, session.url(&format!("blobs/{digest}")));
    let (request, expected) = match offset {
        0 => (request, [200, 404]),
        _ => (
            request.header("Range", format!("bytes={offset}-")),
            [206, 200],
        ),
    };
    let answer = session.expect(&request, &expected)?;
    if answer.status() == 404 {
        let reference = format!("{}@{digest}", reference.name());
        return Err(RegistryError::NotFound { reference });
    }
    let is_whole = answer.status() == 200;
    let mut body = answer.into_body().into_reader();
    if is_whole {
        // A registry that knows no ranges sends it all again.
        io::copy(&mut body.by_ref().take(offset), &mut io::sink()).map_err(|source| {
            RegistryError::Body {
                host: reference.registry().to_owned(),
                source,
            }
        })?;
    }
    Ok(body)
}
