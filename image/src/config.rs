//! The image configuration (OCI image-spec config.md, with Docker's additional fields).
//!
//! Fields are written in one fixed order (that of BuildKit), so that equal configurations are
//! equal bytes. What is not known here is kept and written back after what is known.

use std::collections::{BTreeMap, BTreeSet};

use iechor_snapshotter::{DiffId, DigestError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::json::{self, MAX_CONFIG};
use crate::platform::Platform;

mod lenient;

pub use lenient::Created;

/// An image configuration; unknown fields of a base image are kept and written back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// Architecture, as `GOARCH`.
    #[serde(default)]
    pub architecture: String,
    /// Who made the image (`MAINTAINER`).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// What a container starts with.
    #[serde(default, deserialize_with = "lenient::null_is_default")]
    pub config: ContainerConfig,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Created>,
    /// How it was made, oldest first.
    #[serde(default, deserialize_with = "lenient::null_is_default")]
    pub history: Vec<History>,
    /// Operating system, as `GOOS`.
    #[serde(default)]
    pub os: String,
    /// Version of the operating system (Windows).
    #[serde(
        default,
        rename = "os.version",
        skip_serializing_if = "String::is_empty"
    )]
    pub os_version: String,
    /// The layers.
    pub rootfs: RootFs,
    /// Variant of the architecture.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// Fields that are not known here.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What a container of the image starts with: Docker's `Config`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ContainerConfig {
    /// `USER`: name or number, with an optional group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// `EXPOSE`: `80/tcp`.
    #[serde(with = "lenient::keys", skip_serializing_if = "BTreeSet::is_empty")]
    pub exposed_ports: BTreeSet<String>,
    /// `ENV`: `NAME=value`, in the order of their first setting.
    #[serde(
        deserialize_with = "lenient::null_is_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub env: Vec<String>,
    /// `ENTRYPOINT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// `CMD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cmd: Option<Vec<String>>,
    /// `VOLUME`: paths.
    #[serde(with = "lenient::keys", skip_serializing_if = "BTreeSet::is_empty")]
    pub volumes: BTreeSet<String>,
    /// `WORKDIR`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub working_dir: String,
    /// `LABEL`.
    #[serde(deserialize_with = "lenient::null_is_default")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// `STOPSIGNAL`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stop_signal: String,
    /// Windows: the command is one escaped string.
    #[serde(skip_serializing_if = "lenient::is_false")]
    pub args_escaped: bool,
    /// `HEALTHCHECK`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// `ONBUILD`: instructions as written.
    #[serde(
        deserialize_with = "lenient::null_is_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub on_build: Vec<String>,
    /// `SHELL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shell: Option<Vec<String>>,
    /// Fields that are not known here.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// `HEALTHCHECK`; times in nanoseconds, 0 for what the parent or Docker sets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Healthcheck {
    /// `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", "…"]`.
    #[serde(
        deserialize_with = "lenient::null_is_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub test: Vec<String>,
    /// Between two checks.
    #[serde(skip_serializing_if = "lenient::is_zero")]
    pub interval: i64,
    /// After which one check has failed.
    #[serde(skip_serializing_if = "lenient::is_zero")]
    pub timeout: i64,
    /// For which failures at the start do not count.
    #[serde(skip_serializing_if = "lenient::is_zero")]
    pub start_period: i64,
    /// Between two checks in the start period.
    #[serde(skip_serializing_if = "lenient::is_zero")]
    pub start_interval: i64,
    /// Failures in a row that make a container unhealthy.
    #[serde(skip_serializing_if = "lenient::is_zero")]
    pub retries: i64,
}

/// The layers of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// Always `layers`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Diff IDs, base first, in the form `sha256:…`. Read them with [`ImageConfig::diff_ids`].
    #[serde(default, deserialize_with = "lenient::null_is_default")]
    pub diff_ids: Vec<String>,
}

/// How one layer, or a step without one, was made.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Created>,
    /// By which instruction.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub created_by: String,
    /// By whom.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// Free text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// Whether the step made no layer.
    #[serde(skip_serializing_if = "lenient::is_false")]
    pub empty_layer: bool,
}

/// Why bytes are not a usable image configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// There are too many of them.
    #[error("image configuration is {0} bytes long: at most {MAX_CONFIG} are read")]
    TooLarge(u64),
    /// They are not the JSON that they should be.
    #[error("image configuration is not valid")]
    Json(#[source] serde_json::Error),
    /// A diff ID is not a SHA-256 digest.
    #[error("image configuration has a diff ID that cannot be used")]
    DiffId(#[source] DigestError),
    /// A string that becomes part of a command or environment has a NUL byte.
    #[error("image configuration has a NUL byte in {0}")]
    Nul(&'static str),
}

impl ImageConfig {
    /// The configuration of `FROM scratch`.
    pub fn scratch(platform: &Platform) -> Self {
        Self {
            architecture: platform.architecture.clone(),
            author: String::new(),
            config: ContainerConfig::default(),
            created: None,
            history: Vec::new(),
            os: platform.os.clone(),
            os_version: String::new(),
            rootfs: RootFs {
                kind: "layers".to_owned(),
                diff_ids: Vec::new(),
            },
            variant: platform.variant.clone().unwrap_or_default(),
            extra: Map::new(),
        }
    }

    /// Reads a configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], when it is over 1 MiB, not valid, or has what no process can be given.
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfigError> {
        if bytes.len() as u64 > MAX_CONFIG {
            return Err(ConfigError::TooLarge(bytes.len() as u64));
        }
        let config: Self = json::parse(bytes).map_err(ConfigError::Json)?;
        config.diff_ids()?;
        config.config.check()?;
        Ok(config)
    }

    /// The configuration as JSON; equal configurations give equal bytes.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Json`], should the JSON writer refuse.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ConfigError> {
        serde_json::to_vec(self).map_err(ConfigError::Json)
    }

    /// Diff IDs of the layers, base first.
    pub fn diff_ids(&self) -> Result<Vec<DiffId>, ConfigError> {
        let ids = self.rootfs.diff_ids.iter();
        ids.map(|id| id.parse().map_err(ConfigError::DiffId))
            .collect()
    }

    /// The platform that it is for.
    pub fn platform(&self) -> Platform {
        Platform::new(&self.os, &self.architecture, Some(&self.variant))
    }
}

impl ContainerConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let argv = |args: &Option<Vec<String>>| args.iter().flatten().any(|arg| arg.contains('\0'));
        let has_nul = [
            ("User", self.user.contains('\0')),
            ("Env", self.env.iter().any(|pair| pair.contains('\0'))),
            ("Entrypoint", argv(&self.entrypoint)),
            ("Cmd", argv(&self.cmd)),
            ("Shell", argv(&self.shell)),
            ("WorkingDir", self.working_dir.contains('\0')),
        ];
        match has_nul.iter().find(|(_, found)| *found) {
            Some((field, _)) => Err(ConfigError::Nul(field)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
