//! What reviewers would otherwise have to look for: who may use whom, where `unsafe` may stand,
//! pages that name every command, tests that nobody runs, licences, paths of a machine.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod arrows;
mod docs;
mod licences;
mod sources;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository.
fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// What `cargo metadata` knows of the workspace and everything it is built from.
fn metadata() -> serde_json::Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline"])
        .current_dir(top())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The repository's own text files: what git tracks, or, outside a clone, everything but `target`.
fn files(extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&top(), &mut found);
    found.retain(|path| path.extension().is_some_and(|have| have == extension));
    assert!(!found.is_empty(), "no *.{extension} in the repository");
    found
}

fn collect(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !["target", ".git"].contains(&name) {
                collect(&path, found);
            }
        } else {
            found.push(path);
        }
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
