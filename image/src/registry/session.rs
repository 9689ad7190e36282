//! Requests to one repository, with the authorisation that they need.

use std::io::Read;

use ureq::Body;
use ureq::http::header::WWW_AUTHENTICATE;
use ureq::http::{Response, StatusCode};

use crate::reference::ImageRef;
use crate::registry::RegistryError;
use crate::registry::challenge::Challenge;
use crate::registry::client::{Client, Outgoing};
use crate::registry::credentials::Credential;
use crate::registry::endpoint::Endpoint;
use crate::registry::token::{TokenRequest, basic};

/// Of an error's body, so many bytes are read.
const MAX_MESSAGE: u64 = 16 << 10;

/// What is to be done in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Pull,
    Push,
}

/// Requests to one repository.
#[derive(Debug)]
pub(super) struct Session<'a> {
    client: &'a Client,
    pub(super) endpoint: Endpoint,
    repository: &'a str,
    action: Action,
    /// What tokens are asked for, that of this repository first.
    scopes: Vec<String>,
}

impl<'a> Session<'a> {
    pub(super) fn new(client: &'a Client, reference: &'a ImageRef, action: Action) -> Self {
        let actions = match action {
            Action::Pull => "pull",
            Action::Push => "pull,push",
        };
        let repository = reference.repository();
        Self {
            client,
            endpoint: client.endpoint(reference.registry()),
            repository,
            action,
            scopes: vec![format!("repository:{repository}:{actions}")],
        }
    }

    /// Asks for the right to read other repositories as well, to mount blobs from.
    pub(super) fn reading_too(mut self, repositories: impl IntoIterator<Item = String>) -> Self {
        let scopes = repositories
            .into_iter()
            .map(|name| format!("repository:{name}:pull"));
        self.scopes.extend(scopes);
        self
    }

    /// URL of something in the repository.
    pub(super) fn url(&self, rest: &str) -> String {
        self.endpoint.url(self.repository, rest)
    }

    /// Sends a request; if the registry asks who we are, tells it and sends it again. A place on
    /// another host, to which a registry may have an upload go, is not told.
    pub(super) fn send(&self, request: &Outgoing<'_>) -> Result<Response<Body>, RegistryError> {
        if !self.endpoint.has(&request.url) {
            return self.client.send(&self.endpoint, request, None);
        }
        let (registry, scope) = (&self.endpoint.registry, self.scopes.join(" "));
        let known = self.client.authorisation(registry, &scope);
        let answer = self
            .client
            .send(&self.endpoint, request, known.as_deref())?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let credential = self.credential()?;
        let authorisation = self.authorise(&answer, credential.as_ref())?;
        let authorisation = authorisation.ok_or_else(|| self.unauthorised(credential.as_ref()))?;
        let answer = self
            .client
            .send(&self.endpoint, request, Some(&authorisation))?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            return Err(self.unauthorised(credential.as_ref()));
        }
        self.client
            .keep_authorisation(registry, &scope, &authorisation);
        Ok(answer)
    }

    /// Sends a request that must be answered with one of some statuses.
    pub(super) fn expect(
        &self,
        request: &Outgoing<'_>,
        statuses: &[u16],
    ) -> Result<Response<Body>, RegistryError> {
        let answer = self.send(request)?;
        match answer.status().as_u16() {
            status if statuses.contains(&status) => Ok(answer),
            403 => Err(self.unauthorised(self.credential()?.as_ref())),
            _ => Err(self.unexpected(request, answer)),
        }
    }

    /// What an answer means that was not expected.
    pub(super) fn unexpected(
        &self,
        request: &Outgoing<'_>,
        answer: Response<Body>,
    ) -> RegistryError {
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        let read = answer
            .into_body()
            .into_reader()
            .take(MAX_MESSAGE)
            .read_to_end(&mut body);
        let message = read.ok().and_then(|_| message(&body)).unwrap_or_default();
        let (host, request) = (self.endpoint.registry.clone(), request.summary());
        RegistryError::Status {
            host,
            status,
            request,
            message,
        }
    }

    fn credential(&self) -> Result<Option<Credential>, RegistryError> {
        let registry = &self.endpoint.registry;
        self.client
            .options
            .credentials
            .find(registry, self.repository)
            .map_err(|source| RegistryError::Credentials {
                host: registry.clone(),
                source,
            })
    }

    /// The value of `Authorization` that the registry asks for; none if we cannot give any.
    fn authorise(
        &self,
        answer: &Response<Body>,
        credential: Option<&Credential>,
    ) -> Result<Option<String>, RegistryError> {
        let headers = answer.headers().get_all(WWW_AUTHENTICATE).into_iter();
        match Challenge::of(headers.filter_map(|value| value.to_str().ok())) {
            Some(Challenge::Bearer { realm, service }) => TokenRequest {
                endpoint: &self.endpoint,
                realm: &realm,
                service: service.as_deref(),
                scopes: &self.scopes,
            }
            .buy(self.client, credential),
            Some(Challenge::Basic) => Ok(match credential {
                Some(Credential::Basic { username, password }) => Some(basic(username, password)),
                Some(Credential::IdentityToken(_)) | None => None,
            }),
            None => Err(RegistryError::Challenge {
                host: self.endpoint.registry.clone(),
                reason: "it names neither Basic nor Bearer".to_owned(),
            }),
        }
    }

    fn unauthorised(&self, credential: Option<&Credential>) -> RegistryError {
        RegistryError::Unauthorized {
            host: self.endpoint.registry.clone(),
            who: if credential.is_some() {
                "the user given"
            } else {
                "anonymous users"
            },
            action: if self.action == Action::Push {
                "push to"
            } else {
                "pull from"
            },
            repository: self.repository.to_owned(),
        }
    }
}

/// What an error's body says: `{"errors":[{"code":…,"message":…}]}`.
fn message(body: &[u8]) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
    let error = answer.get("errors")?.get(0)?;
    let text = |key: &str| error.get(key).and_then(serde_json::Value::as_str);
    let text = text("message")
        .filter(|text| !text.is_empty())
        .or_else(|| text("code"))?;
    Some(format!(
        ": {}",
        text.chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect::<String>()
    ))
}
