//! Tokens: bought from the service that a registry names (distribution-spec, token and OAuth2
//! authentication).

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use ureq::http::Method;

use crate::registry::RegistryError;
use crate::registry::client::{Client, Outgoing, Payload};
use crate::registry::credentials::Credential;
use crate::registry::endpoint::Endpoint;

/// How the token service knows us.
const CLIENT_ID: &str = "iechor";
/// Answers of token services are not longer.
const MAX_ANSWER: u64 = 1 << 20;

/// A token service and what is wanted of it.
#[derive(Debug)]
pub(super) struct TokenRequest<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) realm: &'a str,
    pub(super) service: Option<&'a str>,
    pub(super) scopes: &'a [String],
}

#[derive(Deserialize)]
struct Answer {
    #[serde(alias = "access_token")]
    token: Option<String>,
}

/// The value of `Authorization` for a user name and password.
pub(super) fn basic(username: &str, password: &str) -> String {
    format!(
        "Basic {}",
        STANDARD.encode(format!("{username}:{password}"))
    )
}

impl TokenRequest<'_> {
    /// Buys a token; none if the service refuses.
    pub(super) fn buy(
        &self,
        client: &Client,
        credential: Option<&Credential>,
    ) -> Result<Option<String>, RegistryError> {
        self.check_realm()?;
        match credential {
            Some(Credential::IdentityToken(token)) => self.refresh(client, token),
            Some(Credential::Basic { username, password }) => {
                self.ask(client, Some(&basic(username, password)))
            }
            None => self.ask(client, None),
        }
    }

    /// A registry that is spoken to over HTTPS may not send our password elsewhere in plain.
    fn check_realm(&self) -> Result<(), RegistryError> {
        let is_fine = self.realm.starts_with("https://")
            || (self.realm.starts_with("http://") && self.endpoint.is_insecure());
        match is_fine {
            true => Ok(()),
            false => Err(RegistryError::Challenge {
                host: self.endpoint.registry.clone(),
                reason: format!("its token service {} is not reached over HTTPS", self.realm),
            }),
        }
    }

    fn ask(
        &self,
        client: &Client,
        authorisation: Option<&str>,
    ) -> Result<Option<String>, RegistryError> {
        let separator = if self.realm.contains('?') { '&' } else { '?' };
        let url = format!("{}{separator}{}", self.realm, self.query());
        self.send(client, &Outgoing::new(Method::GET, url), authorisation)
    }

    fn refresh(&self, client: &Client, token: &str) -> Result<Option<String>, RegistryError> {
        let form = format!(
            "grant_type=refresh_token&client_id={CLIENT_ID}&refresh_token={}&{}",
            encode(token),
            self.query()
        );
        let request = Outgoing::new(Method::POST, self.realm.to_owned())
            .header("Content-Type", "application/x-www-form-urlencoded")
            .payload(Payload::Bytes(form.as_bytes()));
        self.send(client, &request, None)
    }

    fn query(&self) -> String {
        let service = self
            .service
            .map(|service| format!("service={}", encode(service)));
        let scopes = self
            .scopes
            .iter()
            .map(|scope| format!("scope={}", encode(scope)));
        service
            .into_iter()
            .chain(scopes)
            .collect::<Vec<_>>()
            .join("&")
    }

    fn send(
        &self,
        client: &Client,
        request: &Outgoing<'_>,
        authorisation: Option<&str>,
    ) -> Result<Option<String>, RegistryError> {
        let host = || self.endpoint.registry.clone();
        let answer = client.send(self.endpoint, request, authorisation)?;
        let status = answer.status().as_u16();
        if matches!(status, 400 | 401 | 403) {
            return Ok(None);
        }
        if status != 200 {
            let (request, message) = (request.summary(), String::new());
            return Err(RegistryError::Status {
                host: host(),
                status,
                request,
                message,
            });
        }
        let mut bytes = Vec::new();
        let read = answer
            .into_body()
            .into_reader()
            .take(MAX_ANSWER)
            .read_to_end(&mut bytes);
        read.map_err(|source| RegistryError::Body {
            host: host(),
            source,
        })?;
        let token = serde_json::from_slice(&bytes)
            .ok()
            .and_then(|answer: Answer| answer.token);
        let token = token.ok_or_else(|| RegistryError::Challenge {
            host: host(),
            reason: "its token service gave no token".to_owned(),
        })?;
        Ok(Some(format!("Bearer {token}")))
    }
}

/// Percent-encodes all but unreserved characters (RFC 3986 section 2.3).
pub(super) fn encode(text: &str) -> String {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encoded = text.bytes().map(|byte| match is_unreserved(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    encoded.collect()
}
