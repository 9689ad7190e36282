//! Where user names and passwords of registries are looked for: podman's files, then docker's.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use iechor_engine::error::FailureKind;
use iechor_engine::{DockerConfig, Settings};

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
        ..Settings::default()
    })
}

/// The files, the first that knows a registry counting. One that is named outright counts alone.
fn candidates() -> Vec<PathBuf> {
    if let Some(path) = env::REGISTRY_AUTH_FILE.get() {
        return vec![path.into()];
    }
    let home = env::HOME.get().map(PathBuf::from);
    let below_home = |name: &str| home.as_ref().map(|home| home.join(name));
    let config = env::XDG_CONFIG_HOME
        .get()
        .map(PathBuf::from)
        .or_else(|| below_home(".config"));
    let docker = env::DOCKER_CONFIG
        .get()
        .map(PathBuf::from)
        .or_else(|| below_home(".docker"));
    let podman = |dir: PathBuf| dir.join(Path::new("containers/auth.json"));
    [
        env::XDG_RUNTIME_DIR.get().map(PathBuf::from).map(podman),
        config.map(podman),
        docker.map(|dir| dir.join("config.json")),
    ]
    .into_iter()
    .flatten()
    .collect()
}
