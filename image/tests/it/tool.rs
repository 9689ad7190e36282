//! Other people's programs, which read what we write.

use std::path::Path;
use std::process::{Command, Stdio};

/// Whether a program is here; says so if it is not, for the test then passes without it.
pub(crate) fn has(program: &str) -> bool {
    let mut command = Command::new(program);
    let is_here = command
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !is_here {
        println!("skipped: {program} is not installed (apt-get install {program})");
    }
    is_here
}

/// Runs a program that must succeed, and gives what it printed.
pub(crate) fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {args:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
