//! `--mount=type=cache`: directories that stay from build to build.
//!
//! ```text
//! <root>/cache-mounts/
//! ├── <sha256 of the id>/data     what the step sees
//! ├── <sha256 of the id>/lock     held shared or exclusive while a step uses it
//! ├── <sha256 of the id>/id       the id, for listings
//! └── <sha256 of the id>-1/       another one, for `sharing=private` while the first is in use
//! ```
//!
//! The id is hashed, so that no id is a path (CVE-2024-9675).

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use iechor_executor::Access;
use iechor_frontend::ast::Sharing;
use iechor_snapshotter::Digest;

use super::setup::CacheUse;
use crate::bench::Bench;
use crate::error::StepError;
use crate::path_error::AtPath;

/// How often a lock that another step holds is tried again.
const PATIENCE: Duration = Duration::from_millis(20);

/// A cache directory in use; its lock is held until it is dropped.
#[derive(Debug)]
pub(super) struct CacheDir {
    data: PathBuf,
    access: Access,
    _lock: File,
}

impl CacheDir {
    /// Opens the directory of a cache mount; on its first use it is made, and filled by `seed`.
    pub(super) fn open(
        bench: &Bench<'_>,
        cache: &CacheUse,
        seed: impl FnOnce(&Path) -> Result<(), StepError>,
    ) -> Result<Self, StepError> {
        let home = bench.engine.root().join("cache-mounts");
        let name = Digest::of(cache.id.as_bytes()).hex();
        let (dir, lock) = match cache.sharing {
            Sharing::Shared => claim(&home.join(name), &cache.id, |lock| {
                wait(bench, || lock.try_lock_shared())
            })?,
            Sharing::Locked => claim(&home.join(name), &cache.id, |lock| {
                wait(bench, || lock.try_lock())
            })?,
            Sharing::Private => first_free(&home, &name, &cache.id)?,
        };
        let data = dir.join("data");
        if !data.exists() {
            fill(&data, cache, seed)?;
        }
        let access = cache.access;
        Ok(Self {
            data,
            access,
            _lock: lock,
        })
    }

    /// What the step sees.
    pub(super) fn path(&self) -> &Path {
        &self.data
    }

    /// What the step may do with it.
    pub(super) fn access(&self) -> Access {
        self.access
    }
}

/// Makes the directory if need be and takes its lock.
fn claim(
    dir: &Path,
    id: &str,
    take: impl FnOnce(&File) -> Result<(), StepError>,
) -> Result<(PathBuf, File), StepError> {
    let lock = lock_file(dir, id)?;
    take(&lock)?;
    Ok((dir.to_owned(), lock))
}

fn lock_file(dir: &Path, id: &str) -> Result<File, StepError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .at("make directory", dir)?;
    let named = dir.join("id");
    if !named.exists() {
        fs::write(&named, id).at("write", &named)?;
    }
    let path = dir.join("lock");
    Ok(OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .at("open", &path)?)
}

fn first_free(home: &Path, name: &str, id: &str) -> Result<(PathBuf, File), StepError> {
    let names =
        std::iter::once(name.to_owned()).chain((1..).map(|number| format!("{name}-{number}")));
    for name in names {
        let dir = home.join(name);
        let lock = lock_file(&dir, id)?;
        match lock.try_lock() {
            Ok(()) => return Ok((dir, lock)),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(source)) => Err::<(), _>(source).at("lock", &dir)?,
        }
    }
    Err(StepError::Lost)
}

/// Waits for a lock as long as the build is not cancelled.
fn wait(
    bench: &Bench<'_>,
    attempt: impl Fn() -> Result<(), TryLockError>,
) -> Result<(), StepError> {
    loop {
        match attempt() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if bench.cancel.is_fired() => {
                return Err(StepError::Cancelled);
            }
            Err(TryLockError::WouldBlock) => thread::sleep(PATIENCE),
            Err(TryLockError::Error(source)) => {
                return Ok(Err(source).at("lock", Path::new("cache-mounts"))?);
            }
        }
    }
}

/// Makes the data directory beside its place and renames it there, so that nobody sees half of it.
fn fill(
    data: &Path,
    cache: &CacheUse,
    seed: impl FnOnce(&Path) -> Result<(), StepError>,
) -> Result<(), StepError> {
    let fresh = data.with_extension(format!("new-{}", std::process::id()));
    if fresh.exists() {
        fs::remove_dir_all(&fresh).at("remove", &fresh)?;
    }
    DirBuilder::new()
        .mode(0o700)
        .create(&fresh)
        .at("make directory", &fresh)?;
    seed(&fresh)?;
    fs::set_permissions(&fresh, fs::Permissions::from_mode(cache.mode))
        .at("set the mode of", &fresh)?;
    std::os::unix::fs::chown(&fresh, Some(cache.uid), Some(cache.gid))
        .at("set the owner of", &fresh)?;
    match fs::rename(&fresh, data) {
        // Another step with a shared lock was faster: its directory is as good.
        Err(_) if data.exists() => Ok(fs::remove_dir_all(&fresh).at("remove", &fresh)?),
        renamed => Ok(renamed.at("rename", &fresh)?),
    }
}
