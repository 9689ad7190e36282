//! The commands that are raced.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::measure::run;

/// Whose image policy must not get in the way: nothing is pulled.
const POLICY: &str = r#"{"default":[{"type":"insecureAcceptAnything"}]}"#;

/// `iechor` with the state directory `DIR/NAME`.
pub(crate) fn iechor(dir: &Path, name: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iechor"));
    command.arg("--root").arg(dir.join(name));
    command
}

/// `iechor build` of the context in `DIR/context`.
pub(crate) fn iechor_build(dir: &Path, state: &str, extra: &[&str]) -> Command {
    let mut command = iechor(dir, state);
    command
        .args(["build", "--progress=plain", "-t", "bench"])
        .args(extra)
        .arg(dir.join("context"));
    command
}

/// `buildah` with its own storage below `DIR`.
pub(crate) fn buildah(dir: &Path, verb: &[&str]) -> Command {
    let mut command = Command::new("buildah");
    command
        .arg("--root")
        .arg(dir.join("buildah"))
        .arg("--runroot")
        .arg(dir.join("buildah-run"));
    command
        .args(["--storage-driver", "overlay"])
        .args(verb)
        .arg("--signature-policy")
        .arg(dir.join("policy.json"));
    command
}

/// `buildah build` of the same context, with its layer cache on, as `iechor build` has it.
pub(crate) fn buildah_build(dir: &Path, extra: &[&str]) -> Command {
    let mut command = buildah(dir, &["build"]);
    command
        .args(["--layers", "--runtime", "runc", "-t", "bench"])
        .args(extra);
    command
        .arg("-f")
        .arg(dir.join("context/iEchorfile"))
        .arg(dir.join("context"));
    command
}

/// Lets buildah use what it has built itself.
pub(crate) fn write_policy(dir: &Path) -> std::io::Result<()> {
    std::fs::write(dir.join("policy.json"), POLICY)
}

/// Takes away the mount that buildah leaves on its storage, if it was used at all.
pub(crate) fn release(dir: &Path) -> Result<()> {
    let storage = dir.join("buildah/overlay");
    run(&mut shell(format!(
        "! mountpoint -q {0} || umount -R {0}",
        storage.display()
    )))
}

/// A shell line: for what is only set up and cleaned up.
pub(crate) fn shell(line: impl Into<String>) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line.into());
    command
}
