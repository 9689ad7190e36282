//! What a command is run with, in a form that can be kept: a shell in its place gets the same.
//!
//! No secret's value is in it, only where each goes (rules C14, C15); nor are the caller's proxies,
//! which may hold passwords and enter no key (rule C12).

use std::path::PathBuf;

use iechor_executor::{Access, Network};
use iechor_frontend::ast::Sharing;
use iechor_image::{ImageConfig, Platform};
use serde::{Deserialize, Serialize};

use super::Surroundings;
use crate::lower;

/// What a command is run with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunSetup {
    /// Program and arguments.
    pub(crate) argv: Vec<String>,
    /// `NAME=value`: ENV and ARG.
    pub(crate) env: Vec<String>,
    /// Working directory; empty is `/`.
    pub(crate) cwd: String,
    /// `USER`, names not resolved; empty is root.
    pub(crate) user: String,
    /// The network that it sees.
    #[serde(with = "NetworkForm")]
    pub(crate) network: Network,
    /// What the image is for.
    #[serde(with = "text")]
    pub(crate) platform: Platform,
    /// `--add-host`: name and address.
    pub(crate) hosts: Vec<(String, String)>,
    /// In the order in which they are made.
    pub(crate) mounts: Vec<SetupMount>,
}

/// One `--mount`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum SetupMount {
    /// Files of a snapshot.
    Bind {
        target: PathBuf,
        /// `sha256:…`; none is an empty tree.
        snapshot: Option<String>,
        /// Path of the file or directory in it.
        inside: PathBuf,
        #[serde(with = "AccessForm")]
        access: Access,
    },
    /// A directory that stays.
    Cache { target: PathBuf, cache: CacheUse },
    /// An empty tmpfs.
    Tmpfs { target: PathBuf, size: Option<u64> },
    /// A secret, if it is given.
    Secret(SecretUse),
    /// A heredoc that is a program.
    Program { target: PathBuf, contents: String },
}

/// Which cache directory is used, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CacheUse {
    pub(crate) id: String,
    #[serde(with = "SharingForm")]
    pub(crate) sharing: Sharing,
    #[serde(with = "AccessForm")]
    pub(crate) access: Access,
    /// Mode and owner of a new directory.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Where a secret goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SecretUse {
    pub(crate) id: String,
    /// As a file.
    pub(crate) target: Option<PathBuf>,
    /// As a variable.
    pub(crate) env: Option<String>,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl RunSetup {
    /// What a RUN without options would get where this configuration is in force.
    pub(crate) fn of_config(config: &ImageConfig, around: Surroundings) -> Self {
        Self {
            argv: Vec::new(),
            env: lower::environment(config, &around.args),
            cwd: config.config.working_dir.clone(),
            user: config.config.user.clone(),
            network: around.network,
            platform: config.platform(),
            hosts: around.hosts,
            mounts: Vec::new(),
        }
    }

    /// The form that is kept; none of paths that are not UTF-8, which no iEchorfile can name.
    pub(crate) fn to_json(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    /// The secrets that it has a place for.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.mounts.iter().filter_map(|mount| match mount {
            SetupMount::Secret(secret) => Some(secret.id.as_str()),
            _ => None,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Network", rename_all = "lowercase")]
pub(super) enum NetworkForm {
    None,
    Host,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Access", rename_all = "kebab-case")]
enum AccessForm {
    ReadOnly,
    ReadWrite,
    Discard,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Sharing", rename_all = "lowercase")]
enum SharingForm {
    Shared,
    Private,
    Locked,
}

/// A value by the text that it is written as: `linux/amd64`.
mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<T: Display, S: Serializer>(
        value: &T,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(super) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back() {
        let setup = RunSetup {
            argv: vec!["/bin/sh".into(), "-c".into(), "make".into()],
            env: vec!["A=1".into()],
            cwd: "/srv".into(),
            user: "app".into(),
            network: Network::None,
            platform: Platform::new("linux", "arm64", None),
            hosts: vec![("db".into(), "10.0.0.1".into())],
            mounts: vec![
                SetupMount::Bind {
                    target: "/src".into(),
                    snapshot: Some("sha256:00".into()),
                    inside: "dir".into(),
                    access: Access::Discard,
                },
                SetupMount::Cache {
                    target: "/cache".into(),
                    cache: CacheUse {
                        id: "go".into(),
                        sharing: Sharing::Locked,
                        access: Access::ReadWrite,
                        mode: 0o755,
                        uid: 1,
                        gid: 2,
                    },
                },
                SetupMount::Tmpfs {
                    target: "/tmp".into(),
                    size: Some(4096),
                },
                SetupMount::Secret(SecretUse {
                    id: "key".into(),
                    target: None,
                    env: Some("KEY".into()),
                    mode: 0o400,
                    uid: 0,
                    gid: 0,
                }),
            ],
        };
        let json = setup.to_json().unwrap();
        assert_eq!(serde_json::from_str::<RunSetup>(&json).unwrap(), setup);
        assert_eq!(setup.secrets().collect::<Vec<_>>(), ["key"]);
    }
}
