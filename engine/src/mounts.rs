//! Read-only mounts that outlive their command: `iechor mount`, `umount`, `mounts`.
//!
//! Each mount has a server process of its own: our binary again, under the hidden subcommand
//! `__serve-mount`. It holds a lease on the snapshot, so that nothing under a mount is pruned, and
//! a lock on its record, by which a dead one is told from a living one without any process number.
//!
//! ```text
//! <root>/mounts/<id>.json   the record; flocked by the server as long as it lives
//! <root>/mnt/<id>/          the mount point when none was given
//! ```

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::reference::Selector;
use crate::state::Engine;

/// What is recorded of a mount.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MountRecord {
    /// 12 hexadecimal digits.
    pub id: String,
    /// What was mounted, in words.
    pub title: String,
    /// The snapshot on top, `sha256:…`.
    pub snapshot: String,
    /// Where.
    pub dir: PathBuf,
    /// Since when, seconds since the epoch.
    pub created: i64,
}

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

/// Why a mount could not be made, listed or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MountError {}

/// Mounts what `selector` names at `dir`, or at a directory of our own; returns when it can be
/// used.
///
/// `program` is the executable to serve it, which answers to
/// `program __serve-mount ROOT ID` by calling [`serve`]. `now` is in seconds since the epoch.
pub fn mount(
    engine: &Engine,
    selector: &Selector,
    dir: Option<&Path>,
    program: &Path,
    now: i64,
) -> Result<MountRecord, MountError> {
    todo!()
}

/// All mounts, oldest first. Dead ones are unmounted and forgotten, and told one last time.
pub fn list(engine: &Engine) -> Result<Vec<MountEntry>, MountError> {
    todo!()
}

/// Ends the mount at a directory or with an id (a prefix suffices).
pub fn umount(engine: &Engine, dir_or_id: &str) -> Result<MountRecord, MountError> {
    todo!()
}

/// Ends every mount.
pub fn umount_all(engine: &Engine) -> Result<Vec<MountRecord>, MountError> {
    todo!()
}

/// The whole life of a server process: mounts, tells `ready`, serves until unmounted.
///
/// A failure before that is told to `ready` instead, where [`mount`] reads it.
pub fn serve(root: &Path, id: &str, ready: impl Write) -> Result<(), MountError> {
    todo!()
}
