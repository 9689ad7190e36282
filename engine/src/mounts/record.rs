//! Records of mounts: one file each, locked by the mount's server as long as it lives.

use std::collections::hash_map::RandomState;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, ErrorKind, Seek, Write};
use std::path::{Path, PathBuf};

use iechor_snapshotter::SnapshotId;

use super::{MountEntry, MountError, MountState};
use crate::path_error::AtPath;

/// What is recorded of a mount.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MountRecord {
    /// 12 hexadecimal digits.
    pub id: String,
    /// What was mounted, in words.
    pub title: String,
    /// The snapshot on top, `sha256:…`; none for an empty file system.
    pub snapshot: Option<String>,
    /// Where.
    pub dir: PathBuf,
    /// Since when, seconds since the epoch.
    pub created: i64,
    /// Whether it can be written.
    #[serde(flatten)]
    pub access: MountAccess,
}

/// Whether a mount can be written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "access")]
pub enum MountAccess {
    /// It cannot.
    #[serde(rename = "ro")]
    ReadOnly,
    /// Writes go to a scratch layer, which goes away with the mount.
    #[serde(rename = "rw")]
    Scratch {
        /// The scratch layer's directory, an `upperdir` of overlayfs. The server of the mount
        /// holds a lock on it, as on those of steps under way.
        upper: PathBuf,
    },
}

/// A record as it is written: what is shown of it, and what a commit starts from.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Stored {
    #[serde(flatten)]
    pub(super) record: MountRecord,
    /// Of a writable mount alone.
    pub(super) base: Option<Base>,
}

/// What was mounted, as an image that is made of it needs it: the image may be off the list by then.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Base {
    /// The image configuration in force.
    pub(super) config: String,
    /// Number of the record that it is the result of.
    pub(super) record: Option<i64>,
}

impl MountRecord {
    /// The snapshot on top.
    pub(super) fn tip(&self) -> Result<Option<SnapshotId>, MountError> {
        let tip = self.snapshot.as_deref().map(str::parse).transpose();
        tip.map_err(|source| MountError::Snapshot {
            id: self.id.clone(),
            source,
        })
    }

    /// Where what lies below a writable mount is mounted for a moment, until the overlay has it.
    pub(super) fn below(&self, root: &Path) -> Option<PathBuf> {
        match self.access {
            MountAccess::ReadOnly => None,
            MountAccess::Scratch { .. } => Some(root.join("mnt").join(format!(".{}", self.id))),
        }
    }

    /// The directories that are made for it, and go with it.
    pub(super) fn made_dirs(&self, root: &Path) -> Vec<PathBuf> {
        let own = Some(own_dir(root, &self.id)).filter(|own| *own == self.dir);
        own.into_iter().chain(self.below(root)).collect()
    }
}

/// The mount point of a mount that was given none.
pub(super) fn own_dir(root: &Path, id: &str) -> PathBuf {
    root.join("mnt").join(id)
}

/// 12 random hexadecimal digits.
pub(super) fn new_id() -> String {
    let random = RandomState::new().build_hasher().finish();
    format!("{:012x}", random >> 16)
}

/// Removing what somebody else has removed already is as good.
pub(super) fn unless_gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// `<root>/mounts`.
pub(super) struct RecordDir {
    dir: PathBuf,
}

impl RecordDir {
    pub(super) fn open(root: &Path) -> Result<Self, MountError> {
        let dir = root.join("mounts");
        fs::create_dir_all(&dir).at("make directory", &dir)?;
        Ok(Self { dir })
    }

    /// The directory as it is; none where nothing was ever mounted.
    pub(super) fn existing(root: &Path) -> Option<Self> {
        let dir = root.join("mounts");
        dir.is_dir().then_some(Self { dir })
    }

    /// Writes a record and locks it; it appears locked, so that nobody takes it for a dead one.
    pub(super) fn create(&self, stored: &Stored) -> Result<File, MountError> {
        let id = &stored.record.id;
        let path = self.path(id);
        let unfinished = self.dir.join(format!(".{id}"));
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create_new(true)
            .open(&unfinished)
            .at("create", &unfinished)?;
        file.lock().at("lock", &unfinished)?;
        let json = serde_json::to_vec(stored).map_err(|source| MountError::Record {
            path: path.clone(),
            source,
        })?;
        file.write_all(&json)
            .and_then(|()| file.rewind())
            .at("write", &unfinished)?;
        fs::rename(&unfinished, &path).at("rename a file to", &path)?;
        Ok(file)
    }

    /// All records, each with what its lock says.
    pub(super) fn list(&self) -> Result<Vec<MountEntry>, MountError> {
        let mut entries = Vec::new();
        for file in fs::read_dir(&self.dir).at("list", &self.dir)? {
            let path = file.at("list", &self.dir)?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                entries.extend(read(&path)?);
            }
        }
        Ok(entries)
    }

    /// Opens a record; none when it is gone.
    pub(super) fn open_record(&self, id: &str) -> Result<Option<File>, MountError> {
        open(&self.path(id))
    }

    /// A record as it was written.
    pub(super) fn read(&self, id: &str) -> Result<Stored, MountError> {
        let path = self.path(id);
        parse(&File::open(&path).at("open", &path)?, &path)
    }

    pub(super) fn remove(&self, id: &str) -> Result<(), MountError> {
        let path = self.path(id);
        Ok(unless_gone(fs::remove_file(&path)).at("remove", &path)?)
    }

    fn path(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}.json"))
    }
}

fn open(path: &Path) -> Result<Option<File>, MountError> {
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        opened => Ok(Some(opened.at("open", path)?)),
    }
}

/// One record; none when its mount ended meanwhile.
fn read(path: &Path) -> Result<Option<MountEntry>, MountError> {
    let Some(file) = open(path)? else {
        return Ok(None);
    };
    let record = parse(&file, path)?.record;
    let state = match is_locked(&file).at("lock", path)? {
        true => MountState::Alive,
        // An ending server removes its record before it lets go of the lock.
        false if !path.exists() => return Ok(None),
        false => MountState::Dead,
    };
    Ok(Some(MountEntry { record, state }))
}

fn is_locked(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn parse(file: &File, path: &Path) -> Result<Stored, MountError> {
    serde_json::from_reader(file).map_err(|source| MountError::Record {
        path: path.to_owned(),
        source,
    })
}
