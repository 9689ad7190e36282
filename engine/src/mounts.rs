//! Mounts that outlive their command: `iechor mount`, `umount`, `mounts`.
//!
//! Each mount has a server process of its own, a fork of the command. It holds a lease on the
//! snapshot, so that nothing under a mount is pruned, and a lock on its record, by which a dead one
//! is told from a living one without any process number.
//!
//! ```text
//! <root>/mounts/<id>.json   the record; flocked by the server as long as it lives
//! <root>/mnt/<id>/          the mount point when none was given
//! <root>/scratch/<id>/      what is written to a writable mount; the server holds its lock
//! ```
//!
//! A writable mount is the kernel's overlayfs on the served chain, as the root of a step is. What it
//! lies on is mounted nowhere else, so that unmounting the overlay ends the server, whoever does it.
//!
//! A server that was killed leaves a mount on which everything fails with ENOTCONN. The next command
//! finds the record without its lock, takes the mount away and forgets it; the scratch layer goes
//! with those of crashed steps, when the store is opened.

mod error;
mod frozen;
mod record;
mod server;
mod shown;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use iechor_snapshotter::mount::{MountError as KernelError, detach, mounts, unmount};
use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};

pub use self::error::MountError;
pub(crate) use self::frozen::WritableMount;
use self::record::{Base, RecordDir, Stored};
pub use self::record::{MountAccess, MountRecord};
use crate::path_error::AtPath;
use crate::reference::{self, Basis, Found, Selector};
use crate::state::Engine;

/// How long, and how often, the end of a server is waited for: it takes milliseconds.
const PAUSE: Duration = Duration::from_millis(1);
const PATIENCE: usize = 1000;

/// Whether a mount answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MountState {
    /// Its server lives.
    Alive,
    /// Its server died: accesses fail with ENOTCONN.
    Dead,
}

/// A mount in the list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MountEntry {
    /// What was recorded.
    #[serde(flatten)]
    pub record: MountRecord,
    /// Whether it answers.
    pub state: MountState,
}

impl MountEntry {
    fn is_dead(&self) -> bool {
        self.state == MountState::Dead
    }
}

/// What is to be mounted, where, and how.
#[derive(Debug, Clone, Copy)]
pub struct MountRequest<'a> {
    /// What.
    pub what: &'a Selector,
    /// An existing directory; one of our own when none.
    pub dir: Option<&'a Path>,
    /// Whether it can be written.
    pub writes: Writes,
}

/// Whether a mount is to be writable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Writes {
    /// No: `ro,nosuid,nodev`.
    #[default]
    Refused,
    /// `nosuid,nodev`; what is written goes to a scratch layer that goes away with the mount.
    Scratch,
}

/// Mounts; returns when the mount can be used.
///
/// `now` is in seconds since the epoch. Must be called in a process with one thread: the server is
/// a fork of it.
///
/// # Errors
///
/// [`MountError`]; nothing is left mounted, and no directory of ours.
pub fn mount(
    engine: &Engine,
    request: MountRequest<'_>,
    now: i64,
) -> Result<MountRecord, MountError> {
    let found = reference::find(engine, request.what)?;
    // Until the server has a lease of its own.
    let _lease = found.tip.map(|tip| engine.leases().take(tip)).transpose()?;
    let dir = request.dir.map(mount_point).transpose()?;
    let records = RecordDir::open(engine.root())?;
    let base = match request.writes {
        Writes::Refused => None,
        Writes::Scratch => Some(base(engine, &found)?),
    };
    let record = new_record(engine, found, dir, request.writes, now);
    for dir in record.made_dirs(engine.root()) {
        fs::create_dir_all(&dir).at("make directory", &dir)?;
    }
    let stored = Stored { record, base };
    let locked = records.create(&stored)?;
    let record = stored.record;
    server::start(engine.root(), &record.id, locked).inspect_err(|_| {
        // The error says what happened; that there is nothing to remove any more is no news.
        let _ = forget(engine.root(), &record);
    })?;
    Ok(record)
}

/// What a commit of the mount will start from.
fn base(engine: &Engine, found: &Found) -> Result<Base, MountError> {
    let Basis { config, record } = reference::basis(engine, found)?;
    let json = config.to_bytes()?;
    Ok(Base {
        config: String::from_utf8_lossy(&json).into_owned(),
        record: record.map(|record| record.0),
    })
}

/// All mounts, oldest first. Dead ones are taken away and forgotten: they are told this once.
///
/// # Errors
///
/// [`MountError::Record`], [`MountError::File`].
pub fn list(engine: &Engine) -> Result<Vec<MountEntry>, MountError> {
    let mut entries = RecordDir::open(engine.root())?.list()?;
    entries.sort_by_key(|entry| (entry.record.created, entry.record.id.clone()));
    for dead in entries.iter().filter(|entry| entry.is_dead()) {
        clear(engine.root(), &dead.record)?;
    }
    Ok(entries)
}

/// Takes away what servers that died left in the state directory `root`, and says what that was.
///
/// For the mount namespace of the host: in a private one the mounts would stay on the host.
///
/// # Errors
///
/// As [`list`].
pub fn clear_dead(root: &Path) -> Result<Vec<MountRecord>, MountError> {
    let Some(records) = RecordDir::existing(root) else {
        return Ok(Vec::new());
    };
    let dead = records.list()?.into_iter().filter(MountEntry::is_dead);
    dead.map(|entry| clear(root, &entry.record).map(|()| entry.record))
        .collect()
}

/// Ends the mount at a directory or with an id (a prefix suffices); returns when its server has
/// ended, too, unless a build in a namespace of its own still keeps that.
///
/// # Errors
///
/// [`MountError::Busy`] when something still uses it; [`MountError::NotMounted`],
/// [`MountError::Ambiguous`].
pub fn umount(engine: &Engine, dir_or_id: &str) -> Result<MountRecord, MountError> {
    let entry = find(engine, dir_or_id)?;
    end(engine, &entry)?;
    Ok(entry.record)
}

/// Ends every mount; at the first that fails it stops.
///
/// # Errors
///
/// As [`umount`].
pub fn umount_all(engine: &Engine) -> Result<Vec<MountRecord>, MountError> {
    let entries = RecordDir::open(engine.root())?.list()?;
    entries
        .into_iter()
        .map(|entry| end(engine, &entry).map(|()| entry.record))
        .collect()
}

/// The directory to mount on: absolute, without links, empty, and no mount point yet.
fn mount_point(dir: &Path) -> Result<PathBuf, MountError> {
    let absolute = match fs::canonicalize(dir) {
        Ok(absolute) if absolute.is_dir() => absolute,
        _ => return Err(MountError::NotADirectory(dir.to_owned())),
    };
    let stat = statx(CWD, &absolute, AtFlags::empty(), StatxFlags::TYPE).at("stat", &absolute)?;
    match stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) {
        true => Err(MountError::InUse(absolute)),
        false if is_empty(&absolute)? => Ok(absolute),
        false => Err(MountError::NotEmpty(absolute)),
    }
}

/// What lies in a directory would be hidden as long as something is mounted on it.
fn is_empty(dir: &Path) -> Result<bool, MountError> {
    Ok(fs::read_dir(dir).at("list", dir)?.next().is_none())
}

fn new_record(
    engine: &Engine,
    found: Found,
    dir: Option<PathBuf>,
    writes: Writes,
    now: i64,
) -> MountRecord {
    let id = record::new_id();
    let dir = dir.unwrap_or_else(|| record::own_dir(engine.root(), &id));
    let snapshot = found.tip.map(|tip| tip.to_string());
    let access = match writes {
        Writes::Refused => MountAccess::ReadOnly,
        Writes::Scratch => MountAccess::Scratch {
            upper: engine.store().named_upper(&id),
        },
    };
    MountRecord {
        access,
        id,
        title: found.title,
        snapshot,
        dir,
        created: now,
    }
}

pub(crate) fn find(engine: &Engine, dir_or_id: &str) -> Result<MountEntry, MountError> {
    let entries = RecordDir::open(engine.root())?.list()?;
    let dir = without_links(Path::new(dir_or_id));
    if let Some(entry) = entries
        .iter()
        .find(|entry| Some(&entry.record.dir) == dir.as_ref())
    {
        return Ok(entry.clone());
    }
    let fits = |entry: &MountEntry| !dir_or_id.is_empty() && entry.record.id.starts_with(dir_or_id);
    let mut fitting: Vec<_> = entries.into_iter().filter(fits).collect();
    match fitting.len() {
        0 => Err(MountError::NotMounted(dir_or_id.to_owned())),
        1 => Ok(fitting.remove(0)),
        _ => Err(MountError::Ambiguous {
            prefix: dir_or_id.to_owned(),
            candidates: fitting.into_iter().map(|entry| entry.record.id).collect(),
        }),
    }
}

/// The path without links; its last part is not looked at, for a dead mount answers nothing.
fn without_links(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    match (absolute.parent(), absolute.file_name()) {
        (Some(parent), Some(name)) => Some(fs::canonicalize(parent).ok()?.join(name)),
        _ => Some(absolute),
    }
}

fn end(engine: &Engine, entry: &MountEntry) -> Result<(), MountError> {
    if entry.is_dead() {
        return clear(engine.root(), &entry.record);
    }
    let record = RecordDir::open(engine.root())?.open_record(&entry.record.id)?;
    unmount(&entry.record.dir).map_err(|error| of_unmount(error, &entry.record.dir))?;
    // Removing a mount point takes away the copies of the mount that other namespaces have.
    forget(engine.root(), &entry.record)?;
    record.map_or(Ok(()), |record| wait_for_server(&record, &entry.record))
}

fn of_unmount(error: KernelError, dir: &Path) -> MountError {
    match &error {
        KernelError::Unmount { source, .. }
            if source.kind() == std::io::ErrorKind::ResourceBusy =>
        {
            MountError::Busy {
                dir: dir.to_owned(),
                source: error,
            }
        }
        _ => error.into(),
    }
}

/// The server lets go of its record as the last thing it does. It goes on for as long as a build has a
/// copy of the mount in its namespace, because that began meanwhile: so long nobody waits.
fn wait_for_server(record: &File, of: &MountRecord) -> Result<(), MountError> {
    for _ in 0..PATIENCE {
        match record.try_lock() {
            Err(TryLockError::WouldBlock) => sleep(PAUSE),
            Err(TryLockError::Error(error)) => {
                return Err(error)
                    .at("wait for the server of", &of.dir)
                    .map_err(Into::into);
            }
            Ok(()) => break,
        }
    }
    Ok(())
}

/// Takes away what a dead server left.
fn clear(root: &Path, record: &MountRecord) -> Result<(), MountError> {
    let mounted = mounts()?;
    let dirs = [Some(record.dir.clone()), record.below(root)];
    for dir in dirs.into_iter().flatten() {
        if mounted.iter().any(|mount| mount.at == dir) {
            detach(&dir)?;
        }
    }
    forget(root, record)
}

/// Removes the record and the directories that were made for it.
fn forget(root: &Path, record: &MountRecord) -> Result<(), MountError> {
    for dir in record.made_dirs(root) {
        record::unless_gone(fs::remove_dir(&dir)).at("remove directory", &dir)?;
    }
    RecordDir::open(root)?.remove(&record.id)
}
