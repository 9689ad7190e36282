//! The process that serves one mount, and how it is started.
//!
//! It is a fork of the command, with its locked record as standard input and a pipe as standard
//! output. Through the pipe it says `ready`, or why it failed; then it cuts itself off from whoever
//! started it, and lives until the mount is taken away.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use iechor_cachedb::{Lease, LeaseDir};
use iechor_executor::run_in_background;
use iechor_snapshotter::SnapshotStore;
use rustix::process::{WaitOptions, waitpid};

use super::record::{MountRecord, RecordDir};
use super::shown::Shown;
use super::{MountError, forget};
use crate::state::LEASES;

const READY: &str = "ready";

/// Starts a server for a record and waits until the mount is there.
pub(super) fn start(root: &Path, id: &str, locked: File) -> Result<(), MountError> {
    let (mut said, pipe) = io::pipe().map_err(MountError::Start)?;
    let server = run_in_background(locked.into(), pipe.into(), || {
        u8::from(serve(root, id).is_err())
    })
    .map_err(MountError::Start)?;
    let said = everything(&mut said).map_err(MountError::Start)?;
    if said == READY {
        return Ok(());
    }
    let status = waitpid(Some(server), WaitOptions::empty());
    Err(MountError::Server(match (said.is_empty(), status) {
        (true, Ok(Some((_, status)))) => format!("{status:?}"),
        _ => said,
    }))
}

/// All that a server says before it cuts itself off or ends.
fn everything(pipe: &mut impl Read) -> io::Result<String> {
    let mut said = String::new();
    pipe.read_to_string(&mut said).map(|_| said)
}

/// The whole life of a server process.
///
/// Standard input is the record's locked file and is kept open; standard output is the pipe to
/// whoever started it, which is told what went wrong, too, and is closed before the wait.
fn serve(root: &Path, id: &str) -> Result<(), MountError> {
    let serving = match Serving::begin(root, id) {
        Ok(serving) => serving,
        Err(error) => {
            // If nobody listens any more, nobody needs to know.
            let _ = tell(&with_sources(&error));
            return Err(error);
        }
    };
    match tell(READY).and_then(|()| cut_off()) {
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

/// Past the buffer of `io::stdout`, in which the command may have left something.
fn tell(text: &str) -> io::Result<()> {
    let mut pipe = File::from(rustix::stdio::stdout().try_clone_to_owned()?);
    pipe.write_all(text.as_bytes())
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
