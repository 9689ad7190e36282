//! RUN: a command in the sandbox, on the chain below with a scratch upper on top.
//!
//! ```text
//! resolve the mounts: a setup ─► stand: upper, views, caches ─► overlay ─► sandbox ─► unmount
//!   ─► good: commit the upper        ─► failed: keep it for `--failed`, record nothing (C19)
//! ```
//!
//! The setup is kept with the record or the failure: a shell there stands as the command did.

mod cache_dir;
mod interpreter;
mod log;
mod materialize;
mod network_files;
mod redact;
mod resolve;
mod setup;
mod stand;
mod surroundings;
mod targets;

use std::path::{Path, PathBuf};

use iechor_executor::{Network, Secret, StepOutcome};
use iechor_image::Platform;
use iechor_snapshotter::{ActiveSnapshot, Chain};

pub(crate) use self::resolve::RunMount;
use self::resolve::Seeds;
pub(crate) use self::setup::{RunSetup, SecretUse, SetupMount};
pub(crate) use self::stand::{Stand, Supply};
pub(crate) use self::surroundings::Surroundings;
use super::Done;
use crate::build::session::Session;
use crate::build::step::Step;
use crate::error::{RunFailure, StepError};
use log::StepLog;

/// What RUN does.
#[derive(Debug)]
pub(crate) struct RunOperation {
    pub(crate) argv: Vec<String>,
    /// `NAME=value`: ENV and ARG.
    pub(crate) env: Vec<String>,
    /// Proxy arguments that were not declared.
    pub(crate) proxies: Vec<(String, String)>,
    pub(crate) cwd: String,
    /// `USER`, names not resolved.
    pub(crate) user: String,
    pub(crate) network: Network,
    pub(crate) mounts: Vec<RunMount>,
    pub(crate) platform: Platform,
}

pub(super) fn execute(
    session: &Session<'_>,
    step: &Step<'_>,
    below: &Chain,
    mut run: RunOperation,
) -> Result<Done, StepError> {
    let proxies = std::mem::take(&mut run.proxies);
    let (setup, seeds) = resolve::resolve(session, run)?;
    let mut supply = OfBuild {
        session,
        proxies,
        seeds,
    };
    let stand = Stand::set_up(&session.bench, below, &setup, &mut supply)?;
    let mut log = StepLog::create(session, step)?;
    let outcome = stand.run(&session.bench, |sandbox, spec| {
        sandbox.run(spec, &mut log, &session.bench.cancel)
    });
    log.finish()?;
    let (active, added) = stand.take_down();
    let chain = settle(session, step, active, &added, outcome?, &setup)?;
    Ok(Done {
        chain,
        setup: setup.to_json(),
    })
}

/// What a build gives its steps.
struct OfBuild<'a> {
    session: &'a Session<'a>,
    proxies: Vec<(String, String)>,
    seeds: Seeds,
}

impl Supply for OfBuild<'_> {
    fn secret(&self, id: &str) -> Option<Secret> {
        self.session.secret(id)
    }

    fn proxies(&self) -> &[(String, String)] {
        &self.proxies
    }

    fn seed(&mut self, id: &str, into: &Path) -> Result<(), StepError> {
        self.seeds.write(self.session, id, into)
    }
}

/// The step's end: a snapshot, a state kept for inspection, or nothing.
fn settle(
    session: &Session<'_>,
    step: &Step<'_>,
    active: ActiveSnapshot,
    added: &[PathBuf],
    outcome: StepOutcome,
    setup: &RunSetup,
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
                kept: session.request.keep_failed > 0,
                log,
                setup: setup.to_json(),
            }))
        }
    }
}
