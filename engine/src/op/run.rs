//! RUN: a command in the sandbox, on the chain below with a scratch upper on top.
//!
//! ```text
//! prepare the upper ─► place the mounts ─► show the chain ─► overlay ─► sandbox ─► unmount
//!   ─► good: commit the upper        ─► failed: keep it for `--failed`, record nothing (C19)
//! ```

mod cache_dir;
mod interpreter;
mod log;
mod materialize;
mod network_files;
mod redact;
mod targets;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use iechor_executor::{Access, MountSource, Network, Secret, StepMount, StepOutcome, StepSpec};
use iechor_frontend::ast::CacheMount;
use iechor_image::Platform;
use iechor_snapshotter::fuse::View;
use iechor_snapshotter::mount::OverlayMount;
use iechor_snapshotter::{ActiveSnapshot, Chain};

use crate::accounts::Accounts;
use crate::build::session::Session;
use crate::build::step::Step;
use crate::copy::select::Files;
use crate::error::{RunFailure, StepError};
use cache_dir::CacheDir;
use log::StepLog;
use targets::Targets;

/// The host name in a step: fixed, so that results do not depend on the machine.
const HOSTNAME: &str = "iechor";

/// Where commands are looked up when the image sets no PATH.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Mode of a tmpfs mount's root: anybody's, as `/tmp`.
const TMPFS_MODE: u32 = 0o1777;

/// What RUN does.
#[derive(Debug)]
pub(crate) struct RunOperation {
    pub(crate) argv: Vec<OsString>,
    /// `NAME=value`.
    pub(crate) env: Vec<String>,
    pub(crate) secret_env: Vec<(String, Secret)>,
    pub(crate) cwd: String,
    /// `USER`, names not resolved.
    pub(crate) user: String,
    pub(crate) network: Network,
    pub(crate) mounts: Vec<RunMount>,
    pub(crate) platform: Platform,
}

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
    Secret {
        target: PathBuf,
        value: Secret,
        mode: u32,
        uid: u32,
        gid: u32,
    },
    /// A heredoc that is a program.
    Program {
        target: PathBuf,
        contents: Vec<u8>,
    },
}

/// What must live as long as the step runs.
#[derive(Debug, Default)]
struct Held {
    views: Vec<View>,
    caches: Vec<CacheDir>,
}

pub(super) fn execute(
    session: &Session<'_>,
    step: &Step<'_>,
    below: &Chain,
    run: RunOperation,
) -> Result<Chain, StepError> {
    refuse_foreign_platform(&run.platform)?;
    let active = session.store().prepare(below)?;
    let mut held = Held::default();
    let (spec, targets) = specify(session, below, run, &active, &mut held)?;
    let view = session.rootfs()?.view(below, &targets.virtual_entries())?;
    let outcome = run_mounted(session, step, &active, &view, &spec);
    let added = view.added_paths();
    drop((view, held));
    settle(session, step, active, &added, outcome?)
}

/// A program for another processor would only say `exec format error`, unless the host has an
/// interpreter for it.
fn refuse_foreign_platform(platform: &Platform) -> Result<(), StepError> {
    let host = Platform::host();
    if platform.os == host.os
        && (platform.architecture == host.architecture || interpreter::exists(platform))
    {
        return Ok(());
    }
    Err(StepError::ForeignPlatform {
        wanted: platform.to_string(),
        host: host.to_string(),
    })
}

fn specify(
    session: &Session<'_>,
    below: &Chain,
    run: RunOperation,
    active: &ActiveSnapshot,
    held: &mut Held,
) -> Result<(StepSpec, Targets), StepError> {
    let accounts = Accounts::of(session.store(), below)?;
    let user = accounts.user(if run.user.is_empty() { "0" } else { &run.user })?;
    let env = environment(&run.env, &run.secret_env, accounts.home(user.uid));
    let mut targets = Targets::new(below, session.store().blobs());
    let mut mounts = network_files::mounts(session, run.network, HOSTNAME)?;
    for mount in run.mounts {
        mounts.push(prepare(session, mount, held)?);
    }
    targets.place(&mut mounts)?;
    let spec = StepSpec {
        rootfs: active.merged(),
        argv: run.argv,
        env,
        cwd: PathBuf::from(if run.cwd.is_empty() { "/" } else { &run.cwd }),
        user,
        hostname: HOSTNAME.to_owned(),
        network: run.network,
        mounts,
    };
    Ok((spec, targets))
}

fn environment(
    env: &[String],
    secrets: &[(String, Secret)],
    home: &str,
) -> Vec<(OsString, OsString)> {
    let mut pairs: Vec<(OsString, OsString)> = env
        .iter()
        .filter_map(|entry| entry.split_once('='))
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    for (name, value) in [("PATH", DEFAULT_PATH), ("HOME", home)] {
        if !pairs.iter().any(|(key, _)| key == name) {
            pairs.push((name.into(), value.into()));
        }
    }
    for (name, value) in secrets {
        use std::os::unix::ffi::OsStringExt;
        pairs.retain(|(key, _)| key != name.as_str());
        pairs.push((name.into(), OsString::from_vec(value.expose().to_vec())));
    }
    pairs
}

/// Makes a mount's source ready: views are added, cache directories made and locked.
fn prepare(
    session: &Session<'_>,
    mount: RunMount,
    held: &mut Held,
) -> Result<StepMount, StepError> {
    Ok(match mount {
        RunMount::Tmpfs { target, size } => StepMount {
            target,
            source: MountSource::Tmpfs {
                size,
                mode: TMPFS_MODE,
            },
        },
        RunMount::Secret {
            target,
            value,
            mode,
            uid,
            gid,
        } => StepMount {
            target,
            source: MountSource::Secret {
                value,
                mode,
                uid,
                gid,
            },
        },
        RunMount::Program { target, contents } => StepMount {
            target,
            source: MountSource::File {
                contents,
                mode: 0o755,
            },
        },
        RunMount::Bind {
            target,
            files,
            access,
        } => {
            let source = materialize::show(session, files, &mut held.views)?;
            StepMount {
                target,
                source: MountSource::Bind { source, access },
            }
        }
        RunMount::Cache {
            target,
            cache,
            seed,
        } => {
            let dir = CacheDir::open(session, &cache, seed)?;
            let source = MountSource::Bind {
                source: dir.path().to_owned(),
                access: dir.access(),
            };
            held.caches.push(dir);
            StepMount { target, source }
        }
    })
}

fn run_mounted(
    session: &Session<'_>,
    step: &Step<'_>,
    active: &ActiveSnapshot,
    view: &View,
    spec: &StepSpec,
) -> Result<StepOutcome, StepError> {
    let overlay = OverlayMount::new(
        view.path(),
        &active.upper(),
        &active.work(),
        &active.merged(),
    )?;
    let faults = session.rootfs()?.faults();
    let mut log = StepLog::create(session, step)?;
    let outcome = session.sandbox()?.run(spec, &mut log, &session.cancel);
    log.finish()?;
    overlay.unmount()?;
    if session.rootfs()?.faults() > faults {
        return Err(StepError::ServerFault);
    }
    Ok(outcome?)
}

/// The step's end: a snapshot, a state kept for inspection, or nothing.
fn settle(
    session: &Session<'_>,
    step: &Step<'_>,
    active: ActiveSnapshot,
    added: &[PathBuf],
    outcome: StepOutcome,
) -> Result<Chain, StepError> {
    let virtual_entries: Vec<&Path> = added.iter().map(PathBuf::as_path).collect();
    match outcome {
        StepOutcome::Exited(0) => session.keep(|| active.commit(&virtual_entries)),
        StepOutcome::Cancelled => Err(StepError::Cancelled),
        outcome => {
            let left = session.keep(|| active.commit(&virtual_entries))?;
            let log = session.history().log_path(step);
            Err(StepError::Failed(RunFailure {
                outcome,
                left: left.tip(),
                log,
            }))
        }
    }
}
