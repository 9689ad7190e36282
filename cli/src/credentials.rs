//! How registries are spoken to: where user names and passwords are looked for (podman's files, then
//! docker's), through which proxy, and whose certificates are good.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use iechor_engine::error::FailureKind;
use iechor_engine::{DockerConfig, HttpSettings, NoProxy, Settings};

use crate::config::Config;
use crate::env;
use crate::error::{CliError, Failure};
use crate::ui::Ui;

/// The settings of commands that may ask a registry.
pub(crate) fn settings(ui: &Ui) -> Result<Settings, CliError> {
    let mut found = Vec::new();
    for path in candidates() {
        let file = DockerConfig::read(&path)
            .map_err(|error| Failure::new(error, FailureKind::Registry))?;
        if let Some(file) = file {
            ui.debug(format_args!("credentials from {}", path.display()));
            found.push(file);
        }
    }
    Ok(Settings {
        credentials: Arc::new(found),
        insecure_registries: Config::load(ui)?.insecure_registries,
        http: http(),
    })
}

/// Where distributions keep the authorities that the host trusts, in the order in which Go looks.
const AUTHORITIES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
];

/// Where podman and docker keep certificates of registries, below these by `HOST:PORT`.
const CERTIFICATES: [&str; 2] = ["/etc/containers/certs.d", "/etc/docker/certs.d"];

fn http() -> HttpSettings {
    let of_the_host = || {
        AUTHORITIES
            .map(PathBuf::from)
            .into_iter()
            .find(|path| path.exists())
    };
    let of_the_user = configuration().map(|dir| dir.join("containers/certs.d"));
    HttpSettings {
        https_proxy: env::proxy(&["HTTPS_PROXY", "ALL_PROXY"]),
        http_proxy: env::proxy(&["HTTP_PROXY", "ALL_PROXY"]),
        no_proxy: NoProxy::parse(&env::proxy(&["NO_PROXY"]).unwrap_or_default()),
        authorities: env::SSL_CERT_FILE
            .get()
            .map(PathBuf::from)
            .or_else(of_the_host),
        certificates: of_the_user
            .into_iter()
            .chain(CERTIFICATES.map(PathBuf::from))
            .collect(),
    }
}

/// Where the user's configuration lies.
fn configuration() -> Option<PathBuf> {
    let home = || {
        env::HOME
            .get()
            .map(|home| PathBuf::from(home).join(".config"))
    };
    env::XDG_CONFIG_HOME.get().map(PathBuf::from).or_else(home)
}

/// The files, the first that knows a registry counting. One that is named outright counts alone.
fn candidates() -> Vec<PathBuf> {
    if let Some(path) = env::REGISTRY_AUTH_FILE.get() {
        return vec![path.into()];
    }
    let home = env::HOME.get().map(PathBuf::from);
    let below_home = |name: &str| home.as_ref().map(|home| home.join(name));
    let docker = env::DOCKER_CONFIG
        .get()
        .map(PathBuf::from)
        .or_else(|| below_home(".docker"));
    let podman = |dir: PathBuf| dir.join(Path::new("containers/auth.json"));
    [
        env::XDG_RUNTIME_DIR.get().map(PathBuf::from).map(podman),
        configuration().map(podman),
        docker.map(|dir| dir.join("config.json")),
    ]
    .into_iter()
    .flatten()
    .collect()
}
