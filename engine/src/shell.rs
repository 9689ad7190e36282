//! `iechor shell`: a command where a step stood, with all that the step had.
//!
//! | of | files | environment, user, directory, mounts, network |
//! | --- | --- | --- |
//! | a step | as it left them; with `before` as it found them | those of the step |
//! | the failed step | as it left them; with `before` as it found them | those of the step |
//! | a stage, a step that is no RUN | as they are after it | those of a RUN without options there |
//! | an image | its own | those of its configuration |
//!
//! What is written to the root goes to a scratch layer that nobody keeps; what is written to a cache
//! mount stays, as it does for a step. Everything is private to the process: it leaves nothing.

mod error;
mod supply;

use std::fmt;
use std::os::fd::OwnedFd;

use iechor_cachedb::{Lease, RecordId};
use iechor_executor::{CancelToken, OutputSink, StepOutcome, Terminal};
use iechor_image::ImageConfig;
use iechor_snapshotter::tree::{Follow, Tree};
use iechor_snapshotter::{Chain, SnapshotId};
use serde::de::DeserializeOwned;

pub use self::error::ShellError;
use self::supply::Given;
use crate::op::run::{RunSetup, SetupMount, Stand, Surroundings};
use crate::reference::{self, Found, Kind, Origin, Selector};
use crate::request::SecretSource;
use crate::state::Engine;
use crate::workbench::Workbench;

/// Shells, the first of which an image has is started when no command is given.
const SHELLS: [&str; 2] = ["/bin/bash", "/bin/sh"];

/// Where a shell is wanted, and what it is given.
#[derive(Debug)]
pub struct ShellRequest<'a> {
    /// The step, stage or image.
    pub what: &'a Selector,
    /// Which state of a step.
    pub moment: Moment,
    /// Program and arguments; a shell when empty.
    pub command: Vec<String>,
    /// Values of secrets that the step had.
    pub secrets: Vec<SecretSource>,
    /// The caller's proxies.
    pub proxies: Vec<(String, String)>,
}

/// Before or after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Moment {
    /// What it left.
    #[default]
    After,
    /// What it found.
    Before,
}

/// Where the command reads from and writes to.
pub enum Attach<'a> {
    /// A person's terminal. `term` is its type, for a setup that does not set `TERM`.
    Terminal {
        /// It.
        terminal: &'a Terminal,
        /// `xterm-256color`.
        term: Option<String>,
    },
    /// Something to read, and who gets what is written.
    Streams {
        /// The command's standard input.
        stdin: OwnedFd,
        /// Gets its output.
        output: &'a mut dyn OutputSink,
    },
}

impl fmt::Debug for Attach<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terminal { .. } => "Terminal",
            Self::Streams { .. } => "Streams",
        })
    }
}

/// A shell that can be started.
#[derive(Debug)]
pub struct Shell<'a> {
    engine: &'a Engine,
    title: String,
    chain: Chain,
    setup: RunSetup,
    given: Given,
    notes: Vec<String>,
    /// Keep the files of the root and of bind mounts from a prune.
    _leases: Vec<Lease>,
}

impl<'a> Shell<'a> {
    /// Finds what is needed; starts nothing.
    ///
    /// # Errors
    ///
    /// [`ShellError`], which lists the candidates when the REF means several things.
    pub fn find(engine: &'a Engine, request: ShellRequest<'_>) -> Result<Self, ShellError> {
        let found = reference::find(engine, request.what)?;
        let config = reference::basis(engine, &found)?.config;
        let mut setup = setup_of(engine, &found, &config)?;
        let tip = match request.moment {
            Moment::After => found.tip,
            Moment::Before => tip_before(engine, &found)?,
        };
        let mut leases = Vec::new();
        leases.extend(tip.map(|tip| engine.leases().take(tip)).transpose()?);
        let chain = open(engine, &found, tip)?;
        let mut notes = drop_lost_mounts(engine, &mut setup, &mut leases)?;
        notes.extend(missing_secrets(&setup, &request.secrets));
        setup.argv = match request.command.is_empty() {
            true => vec![shell_of(engine, &chain, &config, &found)?],
            false => request.command,
        };
        Ok(Self {
            engine,
            title: found.title,
            chain,
            setup,
            given: Given {
                secrets: request.secrets,
                proxies: request.proxies,
            },
            notes,
            _leases: leases,
        })
    }

    /// What it is a shell in: `step RUN make`.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What is not as it was for the step, a clause each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Runs the command to its end. The calling process is in a mount namespace of its own
    /// ([`crate::enter_private_mounts`]).
    ///
    /// # Errors
    ///
    /// When it could not be started or watched; that it ended badly is no error.
    pub fn run(
        mut self,
        attach: Attach<'_>,
        cancel: &CancelToken,
    ) -> Result<StepOutcome, ShellError> {
        if let Attach::Terminal {
            term: Some(term), ..
        } = &attach
        {
            self.set_unless_set("TERM", term);
        }
        let bench = Workbench::new(self.engine, cancel.child());
        let stand = Stand::set_up(&bench, &self.chain, &self.setup, &mut self.given)?;
        let outcome = stand.run(&bench, |sandbox, spec| match attach {
            Attach::Terminal { terminal, .. } => {
                sandbox.run_in_terminal(spec, terminal, &bench.cancel)
            }
            Attach::Streams { stdin, output } => {
                sandbox.run_with_input(spec, stdin, output, &bench.cancel)
            }
        });
        drop(stand.take_down());
        Ok(outcome?)
    }

    fn set_unless_set(&mut self, name: &str, value: &str) {
        let is_it = |entry: &String| entry.split_once('=').is_some_and(|(key, _)| key == name);
        if !self.setup.env.iter().any(is_it) {
            self.setup.env.push(format!("{name}={value}"));
        }
    }
}

/// What the command of a step was run with; for all else what a RUN would be.
fn setup_of(engine: &Engine, found: &Found, config: &ImageConfig) -> Result<RunSetup, ShellError> {
    let kept = match &found.origin {
        Origin::Failed(failed) => failed.step.setup.clone(),
        Origin::Record(record) if found.kind() != Kind::Stage => {
            engine.cache().run_setup(*record)?
        }
        Origin::Record(_) | Origin::Image(_) => None,
    };
    match kept {
        None => Ok(RunSetup::of_config(config, surroundings(engine, found)?)),
        Some(json) => parse(&json, found),
    }
}

/// What a RUN would get there besides the configuration. An image has nothing but that.
fn surroundings(engine: &Engine, found: &Found) -> Result<Surroundings, ShellError> {
    let kept = match found.step(engine)? {
        Some(step) => engine.cache().surroundings(step)?,
        None => None,
    };
    kept.map_or_else(|| Ok(Surroundings::default()), |json| parse(&json, found))
}

fn parse<T: DeserializeOwned>(json: &str, found: &Found) -> Result<T, ShellError> {
    serde_json::from_str(json).map_err(|source| ShellError::Setup {
        title: found.title.clone(),
        source,
    })
}

/// The state that a step found.
fn tip_before(engine: &Engine, found: &Found) -> Result<Option<SnapshotId>, ShellError> {
    let parent: Option<RecordId> = match &found.origin {
        Origin::Failed(failed) => failed.step.parent,
        Origin::Record(record) if found.kind() != Kind::Stage => engine
            .cache()
            .record(*record)?
            .and_then(|record| record.parent),
        Origin::Record(_) | Origin::Image(_) => {
            return Err(ShellError::NoBefore(found.title.clone()));
        }
    };
    let before = match parent {
        Some(parent) => engine.cache().record(parent)?,
        None => None,
    };
    Ok(before.and_then(|record| record.snapshot))
}

fn open(engine: &Engine, found: &Found, tip: Option<SnapshotId>) -> Result<Chain, ShellError> {
    let chain = tip.map(|tip| engine.store().chain(tip)).transpose();
    match chain {
        Ok(chain) => Ok(chain.unwrap_or_default()),
        Err(source) => Err(reference::ReferenceError::Gone {
            title: found.title.clone(),
            source,
        }
        .into()),
    }
}

/// Leaves out bind mounts whose files were pruned, and says so; leases the others.
fn drop_lost_mounts(
    engine: &Engine,
    setup: &mut RunSetup,
    leases: &mut Vec<Lease>,
) -> Result<Vec<String>, ShellError> {
    let mut notes = Vec::new();
    let mut kept = Vec::new();
    for mount in std::mem::take(&mut setup.mounts) {
        if let SetupMount::Bind {
            target,
            snapshot: Some(snapshot),
            ..
        } = &mount
        {
            let lease = match snapshot.parse::<SnapshotId>() {
                Ok(id) => Some((id, engine.leases().take(id)?)),
                Err(_) => None,
            };
            let Some((_, lease)) = lease.filter(|(id, _)| engine.store().contains(*id)) else {
                let target = target.display();
                notes.push(format!(
                    "{target} is not mounted: the files of the bind mount were pruned"
                ));
                continue;
            };
            leases.push(lease);
        }
        kept.push(mount);
    }
    setup.mounts = kept;
    Ok(notes)
}

/// A note for each secret that the step had and that was not given again.
fn missing_secrets(setup: &RunSetup, given: &[SecretSource]) -> Vec<String> {
    let is_missing = |id: &&str| !given.iter().any(|secret| secret.id == *id);
    let mut notes: Vec<String> = setup
        .secrets()
        .filter(is_missing)
        .map(|id| format!("secret {id} is not there: give it again with --secret id={id},src=FILE"))
        .collect();
    notes.dedup();
    notes
}

/// The shell that the image asks for, else the first that it has.
fn shell_of(
    engine: &Engine,
    chain: &Chain,
    config: &ImageConfig,
    found: &Found,
) -> Result<String, ShellError> {
    let tree = Tree::new(chain, engine.store().blobs());
    let own = config.config.shell.as_ref().and_then(|shell| shell.first());
    let candidates = own.map(String::as_str).into_iter().chain(SHELLS);
    for shell in candidates {
        if matches!(tree.resolve(shell.as_ref(), Follow::Last), Ok(Some(_))) {
            return Ok(shell.to_owned());
        }
    }
    Err(ShellError::NoShell(found.title.clone()))
}
