//! A registry of one test: Debian's `docker-registry` on a loopback port.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// A running registry; ends when dropped.
pub(crate) struct Registry {
    process: Child,
    /// On 127.0.0.1.
    pub(crate) port: u16,
    storage: PathBuf,
}

impl Registry {
    /// Starts one that keeps its blobs below `dir`.
    pub(crate) fn start(dir: &Path) -> Self {
        Self::start_as(dir, "")
    }

    /// The same with more in the `http` section of its configuration: `, tls: { … }`.
    pub(crate) fn start_as(dir: &Path, http: &str) -> Self {
        let storage = dir.join("registry");
        fs::create_dir_all(&storage).unwrap();
        let port = free_port();
        let config = dir.join("registry.yml");
        fs::write(&config, configuration(&storage, port, http)).unwrap();
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry is needed: make deps");
        let registry = Self {
            process,
            port,
            storage,
        };
        registry.wait_until_it_answers();
        registry
    }

    /// The name of an image in it.
    pub(crate) fn image(&self, name: &str) -> String {
        format!("127.0.0.1:{}/{name}", self.port)
    }

    /// The file that holds a blob, to be damaged.
    pub(crate) fn blob(&self, digest: &str) -> PathBuf {
        let hex = digest.strip_prefix("sha256:").unwrap();
        let blobs = self.storage.join("docker/registry/v2/blobs/sha256");
        blobs.join(&hex[..2]).join(hex).join("data")
    }

    fn wait_until_it_answers(&self) {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "the registry does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _killed = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// A port that nobody listens on at the moment.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn configuration(storage: &Path, port: u16, http: &str) -> String {
    format!(
        "version: 0.1\nlog: {{ level: error }}\nstorage: {{ filesystem: {{ rootdirectory: {} }} }}\n\
         http: {{ addr: \"127.0.0.1:{port}\"{http} }}\n",
        storage.display()
    )
}
