//! The process that serves one mount, and how it is started.
//!
//! It is started with its locked record as standard input and a pipe as standard output. Through
//! the pipe it says `ready`, or why it failed; then it cuts itself off from whoever started it, and
//! lives until the mount is taken away.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use iechor_cachedb::{Lease, LeaseDir};
use iechor_snapshotter::SnapshotStore;

use super::record::{MountRecord, RecordDir};
use super::shown::Shown;
use super::{MountError, forget};
use crate::state::LEASES;

/// The hidden subcommand of our binary that serves a mount: `iechor __serve-mount ROOT ID`.
pub const SUBCOMMAND: &str = "__serve-mount";

const READY: &str = "ready";

/// Starts a server for a record and waits until the mount is there.
pub(super) fn start(program: &Path, root: &Path, id: &str, locked: File) -> Result<(), MountError> {
    let spawn_error = |source| MountError::Spawn {
        program: program.to_owned(),
        source,
    };
    let mut server = Command::new(program)
        .arg(SUBCOMMAND)
        .arg(root)
        .arg(id)
        .current_dir("/")
        .stdin(locked)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(spawn_error)?;
    let said = said_by(&mut server).map_err(spawn_error)?;
    if said == READY {
        return Ok(());
    }
    let status = server.wait().map_err(spawn_error)?;
    Err(MountError::Server(if said.is_empty() {
        status.to_string()
    } else {
        said
    }))
}

/// All that a server says before it cuts itself off or ends.
fn said_by(server: &mut Child) -> io::Result<String> {
    let mut said = String::new();
    match &mut server.stdout {
        Some(pipe) => pipe.read_to_string(&mut said).map(|_| said),
        None => Ok(said),
    }
}

/// The whole life of a server process, from its start by [`mount`](super::mount) to its end.
///
/// Standard input is the record's locked file and is kept open; `ready` is the pipe to whoever
/// started it, which is told what went wrong, too, and is closed by closing standard output.
///
/// # Errors
///
/// What was told; for the exit status.
pub fn serve(root: &Path, id: &str, mut ready: impl Write) -> Result<(), MountError> {
    let serving = match Serving::begin(root, id) {
        Ok(serving) => serving,
        Err(error) => {
            // If nobody listens any more, nobody needs to know.
            let _ = tell(&mut ready, &with_sources(&error));
            return Err(error);
        }
    };
    match tell(&mut ready, READY).and_then(|()| cut_off()) {
        Ok(()) => serving.shown.wait()?,
        // Nobody waits for this mount any more.
        Err(_) => serving.shown.stop()?,
    }
    forget(root, &serving.record)
}

/// What a server holds as long as it lives. The lock on the record is that of standard input.
struct Serving {
    shown: Shown,
    record: MountRecord,
    _lease: Option<Lease>,
}

impl Serving {
    fn begin(root: &Path, id: &str) -> Result<Self, MountError> {
        leave_session();
        let record = RecordDir::open(root)?.read(id)?.record;
        // A server needs no database: it serves what the command has resolved.
        let store = SnapshotStore::open(root)?;
        let leases = LeaseDir::open(&root.join(LEASES))?;
        let tip = record.tip()?;
        let lease = tip.map(|tip| leases.take(tip)).transpose()?;
        let chain = tip
            .map(|tip| store.chain(tip))
            .transpose()?
            .unwrap_or_default();
        let shown = Shown::mount(&store, &chain, root, &record)?;
        Ok(Self {
            shown,
            record,
            _lease: lease,
        })
    }
}

/// Signals of the terminal do not reach the server any more.
fn leave_session() {
    // It fails for who leads a session already, which is as good.
    let _ = rustix::process::setsid();
}

fn tell(ready: &mut impl Write, text: &str) -> io::Result<()> {
    ready.write_all(text.as_bytes())?;
    ready.flush()
}

/// Closes the pipe to whoever started us: the end of what we say.
fn cut_off() -> io::Result<()> {
    let null = OpenOptions::new().write(true).open("/dev/null")?;
    Ok(rustix::stdio::dup2_stdout(null)?)
}

/// An error and what caused it, on one line.
fn with_sources(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |error| error.source());
    sources.fold(error.to_string(), |line, source| {
        format!("{line}: {source}")
    })
}
