//! The process behind a mount: this program again, which serves until somebody unmounts.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use iechor_snapshotter::SnapshotStore;
use iechor_snapshotter::fuse::{FuseOptions, FuseSession, Visibility};
use iechor_snapshotter::mount::{self, OverlayMount};
use rustix::event::{PollFd, PollFlags, poll};

use super::layers;
use super::options::Request;

/// Set for the process that serves.
const SERVER: &str = "IECHOR_OVERLAY_MOUNT_SERVER";

/// What that process says when the mount stands.
const READY: &[u8] = b"mounted\n";

pub(crate) fn is_server() -> bool {
    env::var_os(SERVER).is_some()
}

/// Starts the server, and waits until the mount stands or the server says why not.
pub(crate) fn start() -> Result<(), Box<dyn Error>> {
    let mut server = Command::new(env::current_exe()?)
        .args(env::args_os().skip(1))
        .env(SERVER, "1")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut said = vec![0; READY.len()];
    let told = server.stdout.take().ok_or("no pipe")?.read_exact(&mut said);
    match told.is_ok() && said == READY {
        true => Ok(()),
        false => Err(format!("nothing was mounted: {}", server.wait()?).into()),
    }
}

/// Mounts, and serves until the overlay is gone.
pub(crate) fn serve(request: &Request) -> Result<(), Box<dyn Error>> {
    let scratch = Scratch::new()?;
    let store = SnapshotStore::open(&scratch.0.join("store"))?;
    let chain = layers::chain_of(&store, &request.lowers)?;
    let point = store.mount_point()?;
    let options = FuseOptions::new(Visibility::Private);
    let session = FuseSession::start(store.blobs(), &point.path(), options)?;
    let view = session.add_view(&chain, &[])?;
    forget_crash(&request.work)?;
    let at = fs::canonicalize(&request.at)?;
    let overlay = OverlayMount::new(view.path(), &request.upper, &request.work, &at)?;
    io::stdout().write_all(READY)?;
    wait_until_unmounted(&at)?;
    // Somebody else did it.
    std::mem::forget(overlay);
    drop(view);
    Ok(session.stop()?)
}

/// Takes away the mark by which a `volatile` mount says that its upper was never synced, so that
/// the same upper can be mounted again (`filesystems/overlayfs.rst`, "Volatile mount").
fn forget_crash(work: &Path) -> io::Result<()> {
    match fs::remove_dir_all(work.join("work/incompat")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Waits for the kernel's table of mounts to change until the mount is not in it (proc_pid_mounts(5)).
fn wait_until_unmounted(at: &Path) -> Result<(), Box<dyn Error>> {
    let table = fs::File::open("/proc/self/mountinfo")?;
    while mount::mounts()?.iter().any(|mount| mount.at == at) {
        poll(&mut [PollFd::new(&table, PollFlags::PRI)], None)?;
    }
    Ok(())
}

/// A directory for the store; gone at the end. That comes after `umount` has returned, so it does not lie
/// beside the upper, whose owner may remove everything there by then.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> io::Result<Self> {
        let path = env::temp_dir().join(format!("overlay_mount.{}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
