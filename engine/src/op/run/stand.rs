//! The place where a command runs: its root with all mounts, and who it is.
//!
//! Steps of a build and shells come through here, so that both get the same.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use iechor_executor::{ExecError, MountSource, Sandbox, Secret, StepMount, StepOutcome, StepSpec};
use iechor_image::Platform;
use iechor_snapshotter::fuse::View;
use iechor_snapshotter::mount::OverlayMount;
use iechor_snapshotter::{ActiveSnapshot, Chain, SnapshotId};

use super::cache_dir::CacheDir;
use super::setup::{CacheUse, RunSetup, SecretUse, SetupMount};
use super::targets::Targets;
use super::{interpreter, network_files};
use crate::accounts::Accounts;
use crate::error::StepError;
use crate::workbench::Workbench;

/// The host name in a step: fixed, so that results do not depend on the machine.
const HOSTNAME: &str = "iechor";

/// Where commands are looked up when the image sets no PATH.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Mode of a tmpfs mount's root: anybody's, as `/tmp`.
const TMPFS_MODE: u32 = 0o1777;

/// What a setup has a place for and does not hold.
pub(crate) trait Supply {
    /// The value of a secret, if it was given.
    fn secret(&self, id: &str) -> Option<Secret>;

    /// The caller's proxies, for a command that sets none itself.
    fn proxies(&self) -> &[(String, String)];

    /// Writes the first contents of a cache into its new directory.
    fn seed(&mut self, id: &str, into: &Path) -> Result<(), StepError>;
}

/// A command's root, ready to be run in. Dropped, what was written there is gone.
#[derive(Debug)]
pub(crate) struct Stand {
    spec: StepSpec,
    view: View,
    held: Held,
    active: ActiveSnapshot,
}

/// What must live as long as the command runs.
#[derive(Debug, Default)]
struct Held {
    views: Vec<View>,
    caches: Vec<CacheDir>,
}

impl Stand {
    /// Prepares everything that a setup says, on the chain below.
    pub(crate) fn set_up(
        bench: &Workbench<'_>,
        below: &Chain,
        setup: &RunSetup,
        supply: &mut dyn Supply,
    ) -> Result<Self, StepError> {
        refuse_foreign_platform(&setup.platform)?;
        let active = bench.store().prepare(below)?;
        let mut held = Held::default();
        let mut mounts = network_files::mounts(&setup.hosts, setup.network, HOSTNAME);
        for mount in &setup.mounts {
            mounts.extend(prepare(bench, mount, supply, &mut held)?);
        }
        let mut targets = Targets::new(below, bench.store().blobs());
        targets.place(&mut mounts)?;
        let view = bench.rootfs().view(below, &targets.virtual_entries())?;
        let spec = specify(bench, below, setup, supply, active.merged(), mounts)?;
        Ok(Self {
            spec,
            view,
            held,
            active,
        })
    }

    /// Mounts the root, runs the command by `run`, and unmounts.
    ///
    /// # Errors
    ///
    /// [`StepError::ServerFault`] when the file system had one meanwhile.
    pub(crate) fn run(
        &self,
        bench: &Workbench<'_>,
        run: impl FnOnce(&Sandbox, &StepSpec) -> Result<StepOutcome, ExecError>,
    ) -> Result<StepOutcome, StepError> {
        let sandbox = bench.sandbox()?;
        let active = &self.active;
        let overlay = OverlayMount::new(
            self.view.path(),
            &active.upper(),
            &active.work(),
            &active.merged(),
        )?;
        let faults = bench.rootfs().faults();
        let outcome = run(sandbox, &self.spec);
        overlay.unmount()?;
        if bench.rootfs().faults() > faults {
            return Err(StepError::ServerFault);
        }
        Ok(outcome?)
    }

    /// Takes down all but what was written; gives that, and the paths that were only shown.
    pub(crate) fn take_down(self) -> (ActiveSnapshot, Vec<PathBuf>) {
        let added = self.view.added_paths();
        drop((self.view, self.held));
        (self.active, added)
    }
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
    bench: &Workbench<'_>,
    below: &Chain,
    setup: &RunSetup,
    supply: &dyn Supply,
    rootfs: PathBuf,
    mounts: Vec<StepMount>,
) -> Result<StepSpec, StepError> {
    let accounts = Accounts::of(bench.store(), below)?;
    let user = accounts.user(or(&setup.user, "0"))?;
    Ok(StepSpec {
        rootfs,
        argv: setup.argv.iter().map(OsString::from).collect(),
        env: environment(setup, supply, accounts.home(user.uid)),
        cwd: PathBuf::from(or(&setup.cwd, "/")),
        user,
        hostname: HOSTNAME.to_owned(),
        network: setup.network,
        mounts,
    })
}

fn or<'a>(text: &'a str, default: &'a str) -> &'a str {
    if text.is_empty() { default } else { text }
}

/// The setup's own, before it what is not set there, after it secrets.
fn environment(setup: &RunSetup, supply: &dyn Supply, home: &str) -> Vec<(OsString, OsString)> {
    let own: Vec<(&str, &str)> = setup
        .env
        .iter()
        .filter_map(|entry| entry.split_once('='))
        .collect();
    let is_set = |name: &str| own.iter().any(|(key, _)| *key == name);
    let proxies = supply.proxies().iter();
    let proxies = proxies.map(|(name, value)| (name.as_str(), value.as_str()));
    let defaults = [("PATH", DEFAULT_PATH), ("HOME", home)];
    let mut pairs: Vec<(OsString, OsString)> = proxies
        .filter(|(name, _)| !is_set(name))
        .chain(own.iter().copied())
        .chain(defaults.into_iter().filter(|(name, _)| !is_set(name)))
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    for (name, value) in secret_variables(setup, supply) {
        pairs.retain(|(key, _)| *key != name);
        pairs.push((name, value));
    }
    pairs
}

fn secret_variables(setup: &RunSetup, supply: &dyn Supply) -> Vec<(OsString, OsString)> {
    let variable = |mount: &SetupMount| match mount {
        SetupMount::Secret(SecretUse { id, env, .. }) => {
            let value = supply.secret(id)?.expose().to_vec();
            Some((env.as_ref()?.into(), OsString::from_vec(value)))
        }
        _ => None,
    };
    setup.mounts.iter().filter_map(variable).collect()
}

/// Makes a mount's source ready: views are added, cache directories made and locked. None for a
/// secret that is no file, or was not given.
fn prepare(
    bench: &Workbench<'_>,
    mount: &SetupMount,
    supply: &mut dyn Supply,
    held: &mut Held,
) -> Result<Option<StepMount>, StepError> {
    let (target, source) = match mount {
        SetupMount::Tmpfs { target, size } => (target, tmpfs(*size)),
        SetupMount::Secret(secret) => return Ok(secret_file(secret, supply)),
        SetupMount::Program { target, contents } => (target, program(contents)),
        SetupMount::Bind {
            target,
            snapshot,
            inside,
            access,
        } => {
            let snapshot = snapshot
                .as_deref()
                .map(str::parse::<SnapshotId>)
                .transpose();
            let snapshot = snapshot.map_err(|_| StepError::Lost)?;
            let (view, source) = bench.show(snapshot, inside)?;
            held.views.push(view);
            let access = *access;
            (target, MountSource::Bind { source, access })
        }
        SetupMount::Cache { target, cache } => (target, cache_source(bench, cache, supply, held)?),
    };
    Ok(Some(StepMount {
        target: target.clone(),
        source,
    }))
}

fn tmpfs(size: Option<u64>) -> MountSource {
    let mode = TMPFS_MODE;
    MountSource::Tmpfs { size, mode }
}

fn program(contents: &str) -> MountSource {
    MountSource::File {
        contents: contents.as_bytes().to_vec(),
        mode: 0o755,
    }
}

fn secret_file(secret: &SecretUse, supply: &dyn Supply) -> Option<StepMount> {
    Some(StepMount {
        target: secret.target.clone()?,
        source: MountSource::Secret {
            value: supply.secret(&secret.id)?,
            mode: secret.mode,
            uid: secret.uid,
            gid: secret.gid,
        },
    })
}

fn cache_source(
    bench: &Workbench<'_>,
    cache: &CacheUse,
    supply: &mut dyn Supply,
    held: &mut Held,
) -> Result<MountSource, StepError> {
    let dir = CacheDir::open(bench, cache, |fresh| supply.seed(&cache.id, fresh))?;
    let source = MountSource::Bind {
        source: dir.path().to_owned(),
        access: dir.access(),
    };
    held.caches.push(dir);
    Ok(source)
}
