//! The commands that are raced.

use std::path::Path;
use std::process::Command;

/// Whose image policy must not get in the way: nothing is pulled.
const POLICY: &str = r#"{"default":[{"type":"insecureAcceptAnything"}]}"#;

/// `iechor --root DIR/iechor`.
pub fn iechor(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iechor"));
    command.arg("--root").arg(dir.join("iechor"));
    command
}

/// `iechor build` of the context in `DIR/context`.
pub fn iechor_build(dir: &Path, extra: &[&str]) -> Command {
    let mut command = iechor(dir);
    command
        .args(["build", "--progress=plain", "-t", "bench"])
        .args(extra)
        .arg(dir.join("context"));
    command
}

/// `buildah` with its own storage below `DIR`.
pub fn buildah(dir: &Path, verb: &[&str]) -> std::io::Result<Command> {
    let policy = dir.join("policy.json");
    std::fs::write(&policy, POLICY)?;
    let mut command = Command::new("buildah");
    command
        .arg("--root")
        .arg(dir.join("buildah"))
        .arg("--runroot")
        .arg(dir.join("buildah-run"));
    command.args(["--storage-driver", "overlay"]).args(verb);
    Ok(command)
}

/// `buildah build` of the same context, with its layer cache on, as `iechor build` has it.
pub fn buildah_build(dir: &Path, extra: &[&str]) -> std::io::Result<Command> {
    let mut command = buildah(
        dir,
        &["build", "--layers", "--runtime", "runc", "-t", "bench"],
    )?;
    command
        .arg("--signature-policy")
        .arg(dir.join("policy.json"));
    command
        .args(extra)
        .arg("-f")
        .arg(dir.join("context/iEchorfile"))
        .arg(dir.join("context"));
    Ok(command)
}

/// A shell line: for what is only set up and cleaned up.
pub fn shell(line: impl Into<String>) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line.into());
    command
}
