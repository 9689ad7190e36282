//! A process of its own that serves a chain: to be killed, or to be looked at from outside.
//!
//! It is this test program again, which runs the one test that started it; that test begins with
//! `if is_child() { return serve_until_killed() }`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use iechor_snapshotter::fuse::{FuseOptions, FuseSession, Visibility};
use iechor_snapshotter::{Chain, SnapshotStore, mount};

use crate::fixture::Lab;

/// Set for the child: the laboratory.
const LAB: &str = "IECHOR_TEST_SERVED_LAB";

/// The child, and its mount; both are gone when it is.
pub(crate) struct ServerProcess {
    process: Child,
    pub(crate) at: PathBuf,
}

pub(crate) fn is_child() -> bool {
    std::env::var_os(LAB).is_some()
}

/// In the child.
pub(crate) fn serve_until_killed() {
    let lab = PathBuf::from(std::env::var_os(LAB).unwrap());
    let store = SnapshotStore::open(&lab.join("store")).unwrap();
    let tip = fs::read_to_string(lab.join("tip")).unwrap();
    let chain = store.chain(tip.parse().unwrap()).unwrap();
    let options = FuseOptions::new(Visibility::Private);
    let served = FuseSession::serve_chain(store.blobs(), &chain, &lab.join("at"), options);
    served.unwrap().wait().unwrap();
}

impl ServerProcess {
    /// Starts the child for the test of that name, and waits until the mount stands.
    pub(crate) fn start(lab: &Lab, chain: &Chain, test: &str) -> Self {
        fs::write(lab.root().join("tip"), chain.tip().unwrap().to_string()).unwrap();
        let at = lab.make_dir("at");
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test])
            .env(LAB, lab.root())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { process, at };
        server.wait_for_mount();
        server
    }

    fn wait_for_mount(&self) {
        let begun = Instant::now();
        let is_mounted = |at: &Path| mount::mounts().unwrap().iter().any(|mount| mount.at == at);
        while !is_mounted(&self.at) {
            let waited = begun.elapsed();
            assert!(waited < Duration::from_secs(20), "the server did not start");
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Bytes of memory that it has now, by the kernel's word for them (proc_pid_status(5)).
    pub(crate) fn memory(&self, of: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(of)?.strip_prefix(':'));
        let kib = line.unwrap().trim().trim_end_matches(" kB");
        kib.parse::<u64>().unwrap() * 1024
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = mount::detach(&self.at);
    }
}
