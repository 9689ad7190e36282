//! `--mount=type=cache`: directories that stay from build to build.
//! What they are on disk is told in [`crate::cache_mounts`].

use std::fs::{self, DirBuilder, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use iechor_executor::Access;
use iechor_frontend::ast::Sharing;

use super::setup::CacheUse;
use crate::cache_mounts::directory;
use crate::error::StepError;
use crate::path_error::AtPath;
use crate::workbench::Workbench;

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
        bench: &Workbench<'_>,
        cache: &CacheUse,
        seed: impl FnOnce(&Path) -> Result<(), StepError>,
    ) -> Result<Self, StepError> {
        let first = directory::of_id(bench.engine, &cache.id);
        let (dir, lock) = match cache.sharing {
            Sharing::Shared => claim(&first, &cache.id, |lock| {
                wait(bench, || lock.try_lock_shared())
            })?,
            Sharing::Locked => claim(&first, &cache.id, |lock| wait(bench, || lock.try_lock()))?,
            Sharing::Private => first_free(&first, &cache.id)?,
        };
        directory::note_use(&lock).at("note the use of", &dir)?;
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
    let lock = directory::make(dir, id)?;
    take(&lock)?;
    Ok((dir.to_owned(), lock))
}

fn first_free(first: &Path, id: &str) -> Result<(PathBuf, File), StepError> {
    let name = directory::name_of(first);
    let others = (1..).map(|number| first.with_file_name(format!("{name}-{number}")));
    for dir in std::iter::once(first.to_owned()).chain(others) {
        let lock = directory::make(&dir, id)?;
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
    bench: &Workbench<'_>,
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
