//! From the mounts of an instruction to a setup: files get a snapshot, nothing is mounted yet.

use std::path::{Path, PathBuf};

use iechor_executor::Access;
use iechor_frontend::ast::{CacheMount, MountAccess};

use super::RunOperation;
use super::materialize;
use super::setup::{CacheUse, RunSetup, SecretUse, SetupMount};
use crate::build::session::Session;
use crate::copy::select::Files;
use crate::error::StepError;

/// One `--mount`, its source not prepared yet.
#[derive(Debug)]
pub(crate) enum RunMount {
    Bind {
        target: PathBuf,
        files: Files,
        access: Access,
    },
    Cache {
        target: PathBuf,
        cache: CacheMount,
        seed: Option<Files>,
    },
    Tmpfs {
        target: PathBuf,
        size: Option<u64>,
    },
    Secret(SecretUse),
    /// A heredoc that is a program.
    Program {
        target: PathBuf,
        contents: String,
    },
}

/// First contents of cache directories, by the id of the cache.
#[derive(Debug, Default)]
pub(super) struct Seeds(Vec<(String, Files)>);

impl Seeds {
    /// Writes the first contents of a cache into its new directory, if it has any.
    pub(super) fn write(
        &mut self,
        session: &Session<'_>,
        id: &str,
        into: &Path,
    ) -> Result<(), StepError> {
        match self.0.iter().position(|(of, _)| of == id) {
            Some(at) => materialize::write_out(session, self.0.swap_remove(at).1, into),
            None => Ok(()),
        }
    }
}

/// The setup of a command, and what new cache directories start with.
pub(super) fn resolve(
    session: &Session<'_>,
    run: RunOperation,
) -> Result<(RunSetup, Seeds), StepError> {
    let mut seeds = Seeds::default();
    let mounts = run.mounts.into_iter();
    let mounts = mounts.map(|mount| resolve_mount(session, mount, &mut seeds));
    let setup = RunSetup {
        mounts: mounts.collect::<Result<_, _>>()?,
        argv: run.argv,
        env: run.env,
        cwd: run.cwd,
        user: run.user,
        network: run.network,
        platform: run.platform,
        hosts: session.request.extra_hosts.clone(),
    };
    Ok((setup, seeds))
}

fn resolve_mount(
    session: &Session<'_>,
    mount: RunMount,
    seeds: &mut Seeds,
) -> Result<SetupMount, StepError> {
    Ok(match mount {
        RunMount::Bind {
            target,
            files,
            access,
        } => {
            let (snapshot, inside) = materialize::locate(session, files)?;
            SetupMount::Bind {
                target,
                snapshot: snapshot.map(|snapshot| snapshot.to_string()),
                inside,
                access,
            }
        }
        RunMount::Cache {
            target,
            cache,
            seed,
        } => {
            seeds.0.extend(seed.map(|files| (cache.id.clone(), files)));
            let cache = cache_use(cache);
            SetupMount::Cache { target, cache }
        }
        RunMount::Tmpfs { target, size } => SetupMount::Tmpfs { target, size },
        RunMount::Secret(secret) => SetupMount::Secret(secret),
        RunMount::Program { target, contents } => SetupMount::Program { target, contents },
    })
}

fn cache_use(cache: CacheMount) -> CacheUse {
    CacheUse {
        id: cache.id,
        sharing: cache.sharing,
        access: match cache.access {
            MountAccess::ReadOnly => Access::ReadOnly,
            MountAccess::ReadWrite => Access::ReadWrite,
        },
        mode: cache.mode,
        uid: cache.uid,
        gid: cache.gid,
    }
}
