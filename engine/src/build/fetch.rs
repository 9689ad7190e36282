//! ADD of a URL: fetched into the blob store before the cache is asked (rule C8).
//!
//! With a checksum that is here already nothing is asked. Without one the server is asked at every
//! build whether what it said last time still holds; what it sends is named by its digest.

pub(crate) mod git;

use std::io::{self, Write};

use iechor_cachedb::HttpValidators;
use iechor_image::fetch::{self, Answer, Validators};
use iechor_snapshotter::{BlobWriter, Digest, StoreError, Timestamp};

use super::session::Session;
use crate::digesting::Digesting;
use crate::error::StepError;
use crate::progress::{Event, StepId};

/// Why a URL or a repository could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The server could not be asked, or refused.
    #[error(transparent)]
    Http(#[from] fetch::FetchError),
    /// What came is not what the file says.
    #[error("{url} has the checksum {found}, and --checksum says {wanted}")]
    Checksum {
        /// The URL.
        url: String,
        /// What came.
        found: Digest,
        /// What was wanted.
        wanted: Digest,
    },
    /// `--checksum` is no digest that is known here.
    #[error("--checksum={0} is not of the form sha256:<64 hexadecimal digits>")]
    BadChecksum(String),
    /// git failed.
    #[error(transparent)]
    Git(#[from] git::GitError),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A file that a URL had; its contents are in the blob store.
#[derive(Debug, Clone)]
pub(crate) struct FetchedFile {
    validators: HttpValidators,
    name: String,
    modified: Option<Timestamp>,
}

impl FetchedFile {
    pub(crate) fn digest(&self) -> Digest {
        self.validators.content
    }

    pub(crate) fn size(&self) -> u64 {
        self.validators.size
    }

    /// What it is called in a directory: what the server says, else the end of the URL.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// `Last-Modified`.
    pub(crate) fn modified(&self) -> Option<Timestamp> {
        self.modified
    }
}

/// Whether a source of ADD is fetched over HTTP.
pub(crate) fn is_url(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://")
}

/// Fetches a URL, or finds that what was fetched before is still what it has.
pub(crate) fn url(
    session: &Session<'_>,
    step: StepId,
    url: &str,
    checksum: Option<&str>,
) -> Result<FetchedFile, StepError> {
    let wanted = checksum.map(parse_checksum).transpose()?;
    let known = session
        .cache()
        .http_validators(url)?
        .filter(|known| is_here(session, &known.content));
    if let (Some(wanted), Some(known)) = (wanted, &known)
        && known.content == wanted
    {
        return Ok(described(url, known.clone()));
    }
    let validators = ask(session, step, url, known)?;
    if session.dry_run().is_none() {
        session.cache().put_http_validators(url, &validators)?;
    }
    if let Some(wanted) = wanted.filter(|wanted| *wanted != validators.content) {
        return Err(FetchError::Checksum {
            url: url.to_owned(),
            found: validators.content,
            wanted,
        }
        .into());
    }
    Ok(described(url, validators))
}

fn parse_checksum(text: &str) -> Result<Digest, FetchError> {
    text.parse()
        .map_err(|_| FetchError::BadChecksum(text.to_owned()))
}

fn is_here(session: &Session<'_>, content: &Digest) -> bool {
    session.store().blobs().open(content).is_ok()
}

fn ask(
    session: &Session<'_>,
    step: StepId,
    url: &str,
    known: Option<HttpValidators>,
) -> Result<HttpValidators, StepError> {
    let validators = known.as_ref().map(|known| Validators {
        etag: known.etag.clone(),
        last_modified: known.last_modified.clone(),
    });
    let mut body = Body::of(session)?;
    let progress = |current, total| {
        session.tell(Event::Transfer {
            step,
            what: url.to_owned(),
            current,
            total,
        });
    };
    let http = &session.engine.settings().http;
    let answer = fetch::get(http, url, validators.as_ref(), &mut body, &progress)
        .map_err(FetchError::from)?;
    match (answer, known) {
        (Answer::NotModified, Some(known)) => Ok(HttpValidators {
            fetched: session.now(),
            ..known
        }),
        (Answer::NotModified, None) => ask(session, step, url, None),
        (Answer::Body(described), _) => {
            let (content, size) = body.finish()?;
            Ok(HttpValidators {
                etag: described.validators.etag,
                last_modified: described.validators.last_modified,
                content,
                size,
                file_name: described.file_name,
                fetched: session.now(),
            })
        }
    }
}

/// Where the body of an answer goes: a dry run wants its digest alone.
enum Body {
    Kept(BlobWriter),
    Digested(Digesting),
}

impl Body {
    fn of(session: &Session<'_>) -> Result<Self, StoreError> {
        match session.dry_run() {
            Some(_) => Ok(Self::Digested(Digesting::default())),
            None => session.store().blobs().writer().map(Self::Kept),
        }
    }

    fn finish(self) -> Result<(Digest, u64), StoreError> {
        match self {
            Self::Kept(blob) => blob.finish(),
            Self::Digested(digesting) => Ok(digesting.finish()),
        }
    }
}

impl Write for Body {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Kept(blob) => blob.write(bytes),
            Self::Digested(digesting) => digesting.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Kept(blob) => blob.flush(),
            Self::Digested(digesting) => digesting.flush(),
        }
    }
}

fn described(url: &str, validators: HttpValidators) -> FetchedFile {
    let from_url = || {
        let path = url.split(['?', '#']).next().unwrap_or_default();
        path.rsplit('/')
            .next()
            .filter(|name| !name.is_empty())
            .unwrap_or("download")
            .to_owned()
    };
    FetchedFile {
        name: validators.file_name.clone().unwrap_or_else(from_url),
        modified: validators.last_modified.as_deref().and_then(http_date),
        validators,
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7); the obsolete forms do not count.
fn http_date(text: &str) -> Option<Timestamp> {
    let time = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .ok()?;
    Some(Timestamp {
        secs: time.as_second(),
        nanos: 0,
    })
}
