//! Other people's programs, that read what we write.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use super::Output;

/// Runs a program.
#[must_use = "assert the exit code"]
pub(crate) fn run<I: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = I>) -> Output {
    Output::of(Command::new(program).args(args))
}

/// `skopeo`, which trusts every image here.
#[must_use = "assert the exit code"]
pub(crate) fn skopeo(args: &[&str]) -> Output {
    run("skopeo", ["--insecure-policy"].iter().chain(args))
}

/// `podman` with a storage of its own below `dir`.
pub(crate) struct Podman {
    storage: Vec<String>,
}

impl Podman {
    /// Keeps everything below `dir`.
    pub(crate) fn new(dir: &Path) -> Self {
        let at = |name: &str| dir.join(name).display().to_string();
        let storage = [
            "--root".to_owned(),
            at("podman"),
            "--runroot".to_owned(),
            at("podman-run"),
            "--storage-driver=vfs".to_owned(),
            "--cgroup-manager=cgroupfs".to_owned(),
            "--events-backend=none".to_owned(),
        ];
        Self {
            storage: storage.into(),
        }
    }

    /// Runs it.
    #[must_use = "assert the exit code"]
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        let storage = self.storage.iter().map(String::as_str);
        run("podman", storage.chain(args.iter().copied()))
    }
}

/// Parses what a program printed as JSON.
#[track_caller]
pub(crate) fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("no JSON: {error}\n{text}"))
}
