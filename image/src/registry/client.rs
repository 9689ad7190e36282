//! Requests: sent, sent again after passing failures, and led on by redirects.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use ureq::config::ConfigBuilder;
use ureq::http::header::{AUTHORIZATION, CONTENT_LENGTH, LOCATION, RETRY_AFTER};
use ureq::http::{Method, Request, Response, StatusCode};
use ureq::typestate::AgentScope;
use ureq::{Agent, Body, SendBody};

use crate::http::Agents;
use crate::progress::Progress;
use crate::registry::endpoint::{Endpoint, join, origin};
use crate::registry::{RegistryError, RegistryOptions};

const MAX_REDIRECTS: usize = 5;
/// Longest pause that a registry may ask for.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// What is kept between requests.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) options: RegistryOptions,
    agents: Agents,
    /// Values of `Authorization` that were good, by registry and scope.
    authorisations: Mutex<HashMap<(String, String), String>>,
}

/// A request.
#[derive(Debug)]
pub(super) struct Outgoing<'a> {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) payload: Payload<'a>,
}

/// What a request carries.
pub(super) enum Payload<'a> {
    None,
    Bytes(&'a [u8]),
    File {
        path: &'a Path,
        size: u64,
        sent: &'a Sent<'a>,
    },
}

impl std::fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::File { path, size, .. } => write!(f, "File({}, {size})", path.display()),
        }
    }
}

/// How much of a file was sent; what is sent again is not told again.
pub(super) struct Sent<'a> {
    pub(super) bytes: AtomicU64,
    pub(super) progress: Progress<'a>,
}

impl<'a> Sent<'a> {
    pub(super) fn new(progress: Progress<'a>) -> Self {
        Self {
            bytes: AtomicU64::new(0),
            progress,
        }
    }

    /// Tells of all up to `position` that was not told yet.
    pub(super) fn reach(&self, position: u64) {
        let before = self.bytes.fetch_max(position, Ordering::Relaxed);
        if position > before {
            (self.progress)(position - before);
        }
    }
}

impl<'a> Outgoing<'a> {
    pub(super) fn new(method: Method, url: String) -> Self {
        Self {
            method,
            url,
            headers: Vec::new(),
            payload: Payload::None,
        }
    }

    #[must_use]
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    pub(super) fn payload(mut self, payload: Payload<'a>) -> Self {
        self.payload = payload;
        self
    }

    /// As messages name it: without host, and without the query, which may hold secrets.
    pub(super) fn summary(&self) -> String {
        let path = &self.url[origin(&self.url).len()..];
        format!("{} {}", self.method, path.split('?').next().unwrap_or(path))
    }
}

impl Client {
    pub(super) fn new(options: RegistryOptions) -> Self {
        Self {
            agents: Agents::new(options.http.clone()),
            options,
            authorisations: Mutex::default(),
        }
    }

    pub(super) fn endpoint(&self, registry: &str) -> Endpoint {
        Endpoint::new(registry, &self.options.insecure)
    }

    /// The value of `Authorization` that was good the last time.
    pub(super) fn authorisation(&self, registry: &str, scope: &str) -> Option<String> {
        let known = self.authorisations.lock().ok()?;
        known.get(&(registry.to_owned(), scope.to_owned())).cloned()
    }

    pub(super) fn keep_authorisation(&self, registry: &str, scope: &str, value: &str) {
        if let Ok(mut known) = self.authorisations.lock() {
            known.insert((registry.to_owned(), scope.to_owned()), value.to_owned());
        }
    }

    /// Sends a request, and again if the failure may pass: no connection, or an answer that says
    /// so. Gives whatever answer came last.
    pub(super) fn send(
        &self,
        endpoint: &Endpoint,
        outgoing: &Outgoing<'_>,
        authorisation: Option<&str>,
    ) -> Result<Response<Body>, RegistryError> {
        let mut pause = self.options.pause;
        for _ in 0..self.options.retries {
            let result = self.follow(endpoint, outgoing, authorisation);
            match &result {
                Err(RegistryError::Unreachable { source, .. }) if may_pass(source) => {
                    thread::sleep(pause);
                }
                Ok(answer) if is_busy(answer.status()) => {
                    thread::sleep(asked_pause(answer).unwrap_or(pause).min(MAX_PAUSE));
                }
                _ => return result,
            }
            pause *= 2;
        }
        self.follow(endpoint, outgoing, authorisation)
    }

    /// Sends a request and goes where the answer leads. `Authorization` is for the registry alone:
    /// another host, such as the blob store behind it, does not get it.
    fn follow(
        &self,
        endpoint: &Endpoint,
        outgoing: &Outgoing<'_>,
        authorisation: Option<&str>,
    ) -> Result<Response<Body>, RegistryError> {
        let mut url = outgoing.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let is_same = origin(&url) == origin(&outgoing.url);
            let answer = self.once(endpoint, outgoing, &url, authorisation.filter(|_| is_same))?;
            let Some(location) = redirect(&outgoing.method, &answer) else {
                return Ok(answer);
            };
            let next = join(&url, location);
            if url.starts_with("https://") && !next.starts_with("https://") {
                url = next;
                break;
            }
            url = next;
        }
        Err(RegistryError::Redirect {
            host: endpoint.registry.clone(),
            location: origin(&url).to_owned(),
        })
    }

    fn once(
        &self,
        endpoint: &Endpoint,
        outgoing: &Outgoing<'_>,
        url: &str,
        authorisation: Option<&str>,
    ) -> Result<Response<Body>, RegistryError> {
        let timeout = self.options.timeout;
        let agent = self.agents.of_registry(origin(url), || config(timeout))?;
        let failed = |source: ureq::Error| failure(endpoint, source);
        let mut request = Request::builder().method(&outgoing.method).uri(url);
        for (name, value) in &outgoing.headers {
            request = request.header(*name, value);
        }
        if let Some(value) = authorisation {
            request = request.header(AUTHORIZATION, value);
        }
        match &outgoing.payload {
            Payload::None => {
                let body = request
                    .body(SendBody::none())
                    .map_err(|error| failed(error.into()))?;
                agent.run(body)
            }
            Payload::Bytes(bytes) => {
                let request = request.header(CONTENT_LENGTH, bytes.len());
                agent.run(request.body(*bytes).map_err(|error| failed(error.into()))?)
            }
            Payload::File { path, size, sent } => {
                let mut file = Upload::open(path, sent)?;
                let request = request.header(CONTENT_LENGTH, *size);
                let body = SendBody::from_reader(&mut file);
                agent.run(request.body(body).map_err(|error| failed(error.into()))?)
            }
        }
        .map_err(failed)
    }
}

fn failure(endpoint: &Endpoint, source: ureq::Error) -> RegistryError {
    let (host, source) = (endpoint.registry.clone(), Box::new(source));
    match source.to_string().contains("invalid peer certificate") {
        true => RegistryError::Untrusted { host, source },
        false => RegistryError::Unreachable { host, source },
    }
}

fn config(timeout: Duration) -> ConfigBuilder<AgentScope> {
    let timeout = Some(timeout);
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("iechor/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(timeout)
        .timeout_connect(timeout)
        .timeout_recv_response(timeout)
        .timeout_per_read(timeout)
        .timeout_per_write(timeout)
}

/// Whether a request may fare better in a moment.
fn may_pass(error: &ureq::Error) -> bool {
    matches!(
        error,
        ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed
    )
}

fn is_busy(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

fn asked_pause(answer: &Response<Body>) -> Option<Duration> {
    let seconds = answer
        .headers()
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

/// Where an answer leads, for requests that may be led.
fn redirect<'a>(method: &Method, answer: &'a Response<Body>) -> Option<&'a str> {
    let leads = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let may_follow = *method == Method::GET || *method == Method::HEAD;
    answer
        .headers()
        .get(LOCATION)
        .filter(|_| leads && may_follow)?
        .to_str()
        .ok()
}

/// A file on its way out.
struct Upload<'a> {
    file: File,
    position: u64,
    sent: &'a Sent<'a>,
}

impl<'a> Upload<'a> {
    fn open(path: &Path, sent: &'a Sent<'a>) -> Result<Self, RegistryError> {
        let file = File::open(path).map_err(|source| RegistryError::Read {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            file,
            position: 0,
            sent,
        })
    }
}

impl Read for Upload<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.position += n as u64;
        self.sent.reach(self.position);
        Ok(n)
    }
}
