//! Plain HTTP downloads: what ADD does with a URL (RFC 9110).

use std::io::{self, Read, Write};
use std::time::Duration;

use ureq::config::ConfigBuilder;
use ureq::http::Response;
use ureq::typestate::AgentScope;
use ureq::{Agent, Body as HttpBody};

use crate::http::{HttpError, HttpSettings};

/// Redirects that are followed before a server is called broken.
const MAX_REDIRECTS: u32 = 10;

/// How long a server may take to accept a connection and to begin to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes read at once.
const CHUNK: usize = 64 * 1024;

/// What a server said about a version of a resource (RFC 9110 section 8.8).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// `ETag`, quotes included.
    pub etag: Option<String>,
    /// `Last-Modified`, as sent.
    pub last_modified: Option<String>,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The version that the validators name is still the current one; nothing was written.
    NotModified,
    /// The contents, which were written.
    Body(Described),
}

/// What a server said about the contents that it sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Described {
    /// For asking again.
    pub validators: Validators,
    /// `Content-Disposition`'s file name, without directories.
    pub file_name: Option<String>,
}

/// Why a URL could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The server could not be spoken to as the settings say.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The server could not be reached.
    #[error("cannot fetch {url}")]
    Transport {
        /// The URL.
        url: String,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// The server refused.
    #[error("cannot fetch {url}: the server answered {status}")]
    Status {
        /// The URL.
        url: String,
        /// `404 Not Found`.
        status: String,
    },
    /// The contents broke off, or could not be stored.
    #[error("cannot fetch {url}: the transfer broke off after {received} bytes")]
    Body {
        /// The URL.
        url: String,
        /// How much had come.
        received: u64,
        /// Why.
        source: io::Error,
    },
}

/// Told bytes so far, and in all when the server says.
pub type Transfer<'a> = &'a dyn Fn(u64, Option<u64>);

/// Fetches `url` into `out`, unless `validators` still hold. No credentials are sent. Where it leads
/// elsewhere, that is reached as it is.
///
/// # Errors
///
/// [`FetchError`]; `out` may then have a part of the contents.
pub fn get(
    settings: &HttpSettings,
    url: &str,
    validators: Option<&Validators>,
    out: &mut dyn Write,
    progress: Transfer<'_>,
) -> Result<Answer, FetchError> {
    let mut request = settings.agent(url, None, config())?.get(url);
    if let Some(etag) = validators.and_then(|known| known.etag.as_deref()) {
        request = request.header("If-None-Match", etag);
    }
    if let Some(time) = validators.and_then(|known| known.last_modified.as_deref()) {
        request = request.header("If-Modified-Since", time);
    }
    let response = request.call().map_err(|source| FetchError::Transport {
        url: url.to_owned(),
        source: Box::new(source),
    })?;
    match response.status().as_u16() {
        304 => Ok(Answer::NotModified),
        200..=299 => {
            let described = describe(&response);
            receive(url, response, out, progress)?;
            Ok(Answer::Body(described))
        }
        _ => Err(FetchError::Status {
            url: url.to_owned(),
            status: response.status().to_string(),
        }),
    }
}

fn config() -> ConfigBuilder<AgentScope> {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(MAX_REDIRECTS)
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .user_agent(concat!("iechor/", env!("CARGO_PKG_VERSION")))
}

fn describe(response: &Response<HttpBody>) -> Described {
    let header = |name: &str| {
        response
            .headers()
            .get(name)?
            .to_str()
            .ok()
            .map(str::to_owned)
    };
    Described {
        validators: Validators {
            etag: header("etag"),
            last_modified: header("last-modified"),
        },
        file_name: header("content-disposition").as_deref().and_then(file_name),
    }
}

/// The file name of `attachment; filename="x.tar"`; never a path.
fn file_name(disposition: &str) -> Option<String> {
    let (_, value) = disposition.split_once("filename=")?;
    let value = value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .trim_matches('"');
    let name = value.rsplit(['/', '\\']).next().unwrap_or_default();
    Some(name)
        .filter(|name| !matches!(*name, "" | "." | ".."))
        .map(str::to_owned)
}

fn receive(
    url: &str,
    mut response: Response<HttpBody>,
    out: &mut dyn Write,
    progress: Transfer<'_>,
) -> Result<(), FetchError> {
    let total = response.body().content_length();
    let mut body = response.body_mut().as_reader();
    let mut buffer = vec![0; CHUNK];
    let mut received = 0;
    loop {
        let broken = |source| FetchError::Body {
            url: url.to_owned(),
            received,
            source,
        };
        let count = body.read(&mut buffer).map_err(broken)?;
        if count == 0 {
            return Ok(());
        }
        out.write_all(&buffer[..count]).map_err(broken)?;
        received += count as u64;
        progress(received, total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_never_a_path() {
        assert_eq!(
            file_name("attachment; filename=\"a.tar\"; x=1").as_deref(),
            Some("a.tar")
        );
        assert_eq!(
            file_name("attachment; filename=../../etc/passwd").as_deref(),
            Some("passwd")
        );
        assert_eq!(file_name("attachment; filename=\"..\""), None);
        assert_eq!(file_name("inline"), None);
    }
}
