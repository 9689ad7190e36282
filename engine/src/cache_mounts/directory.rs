//! The directories of cache mounts, and the locks that say who uses them.
//!
//! The id is hashed, so that no id is a path (CVE-2024-9675).

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use iechor_snapshotter::Digest;
use rustix::fs::{Timespec, Timestamps, UTIME_NOW};

use crate::path_error::{AtPath, PathError};
use crate::state::Engine;

/// Where all of them are.
pub(crate) fn home(engine: &Engine) -> PathBuf {
    engine.root().join("cache-mounts")
}

/// The directory of an id.
pub(crate) fn of_id(engine: &Engine, id: &str) -> PathBuf {
    home(engine).join(Digest::of(id.as_bytes()).hex())
}

/// The id of a directory as the iEchorfile has it; the directory's name when nothing says.
pub(crate) fn id_of(dir: &Path) -> String {
    match fs::read(dir.join("id")) {
        Ok(id) => String::from_utf8_lossy(&id).into_owned(),
        Err(_) => name_of(dir),
    }
}

/// The name of a directory.
pub(crate) fn name_of(dir: &Path) -> String {
    let name = dir.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Makes the directory of an id if it is missing, and opens its lock.
pub(crate) fn make(dir: &Path, id: &str) -> Result<File, PathError> {
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
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .at("open", &path)
}

/// Notes the use of a cache mount, whose lock is held.
pub(crate) fn note_use(lock: &File) -> io::Result<()> {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_NOW,
    };
    let times = Timestamps {
        last_access: now,
        last_modification: now,
    };
    Ok(rustix::fs::futimens(lock, &times)?)
}

/// What the lock of a cache mount says.
pub(crate) enum MountLock {
    InUse,
    /// Nobody uses it as long as this lives; none of a directory that has no lock.
    Free(Option<File>),
}

/// Locks a cache mount against use, if nobody uses it.
pub(crate) fn lock(dir: &Path) -> Result<MountLock, PathError> {
    let path = dir.join("lock");
    let file = match File::open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(MountLock::Free(None)),
        opened => opened.at("open", &path)?,
    };
    match file.try_lock() {
        Ok(()) => Ok(MountLock::Free(Some(file))),
        Err(TryLockError::WouldBlock) => Ok(MountLock::InUse),
        Err(TryLockError::Error(error)) => Err(error).at("lock", &path),
    }
}

/// Removes a directory with all below it; it may be gone already.
pub(crate) fn remove_tree(dir: &Path) -> Result<(), PathError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.at("remove", dir),
    }
}
