//! How servers are reached: through which proxy, and whose certificates are good.
//!
//! Each server has an agent of its own, for a certificate may be trusted for one registry alone.

mod no_proxy;
mod trust;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use ureq::config::ConfigBuilder;
use ureq::typestate::AgentScope;
use ureq::{Agent, Proxy};

pub use self::no_proxy::NoProxy;

/// How servers are reached. By default without a proxy, trusting the authorities that Mozilla trusts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpSettings {
    /// URL of the proxy for `https`.
    pub https_proxy: Option<String>,
    /// URL of the proxy for `http`.
    pub http_proxy: Option<String>,
    /// Which servers are reached without; those on loopback addresses always are.
    pub no_proxy: NoProxy,
    /// PEM file of the authorities that are trusted, instead of those that the program has with it.
    pub authorities: Option<PathBuf>,
    /// Directories with a directory for each registry (`HOST` or `HOST:PORT`) in which are `*.crt`,
    /// authorities that are trusted for it besides, and `*.cert` with `*.key`, who we are.
    pub certificates: Vec<PathBuf>,
}

/// Why a server could not be spoken to as the settings say.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The proxy's URL cannot be read.
    #[error("{0:?} is not the URL of a proxy")]
    Proxy(String),
    /// A file or directory of certificates cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// There is nothing of the kind in it.
    #[error("{path} is not {wanted} in PEM form")]
    Pem {
        /// The file.
        path: PathBuf,
        /// "a certificate", "a private key".
        wanted: &'static str,
    },
}

/// The agents of servers, each made when its server is first spoken to.
#[derive(Debug)]
pub(crate) struct Agents {
    settings: HttpSettings,
    /// By origin.
    made: Mutex<HashMap<String, Agent>>,
}

impl Agents {
    pub(crate) fn new(settings: HttpSettings) -> Self {
        Self {
            settings,
            made: Mutex::default(),
        }
    }

    /// The agent of the registry at an origin (`https://host:port`).
    pub(crate) fn of_registry(
        &self,
        origin: &str,
        config: impl FnOnce() -> ConfigBuilder<AgentScope>,
    ) -> Result<Agent, HttpError> {
        if let Some(known) = self
            .made
            .lock()
            .ok()
            .and_then(|made| made.get(origin).cloned())
        {
            return Ok(known);
        }
        let registry = origin.split_once("://").map(|(_, authority)| authority);
        let agent = self.settings.agent(origin, registry, config())?;
        if let Ok(mut made) = self.made.lock() {
            made.insert(origin.to_owned(), agent.clone());
        }
        Ok(agent)
    }
}

impl HttpSettings {
    /// An agent for a server, which may be a registry that certificates are kept for.
    pub(crate) fn agent(
        &self,
        url: &str,
        registry: Option<&str>,
        config: ConfigBuilder<AgentScope>,
    ) -> Result<Agent, HttpError> {
        let config = config.proxy(self.proxy(url)?);
        let config = match url.starts_with("https://") {
            true => config.tls_config(trust::tls(self, registry)?),
            false => config,
        };
        Ok(config.build().new_agent())
    }

    fn proxy(&self, url: &str) -> Result<Option<Proxy>, HttpError> {
        let proxy = match url.starts_with("https://") {
            true => &self.https_proxy,
            false => &self.http_proxy,
        };
        let Some(proxy) = proxy.as_ref().filter(|_| !self.no_proxy.covers(url)) else {
            return Ok(None);
        };
        let parsed = Proxy::new(proxy).map_err(|_| HttpError::Proxy(proxy.clone()))?;
        Ok(Some(parsed))
    }
}
