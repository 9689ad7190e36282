//! `iechor doctor`, and what packagers take from the program: completions and manual pages.

use std::fs;

use serde_json::Value;

use crate::support::TestEnv;

#[test]
fn on_a_machine_that_builds_nothing_is_missing() {
    let env = TestEnv::new();
    let said = env.run(["doctor", "--format", "json"]).success().stdout;
    let findings: Value = serde_json::from_str(&said).unwrap();
    let health = |name: &str| {
        let findings = findings.as_array().unwrap().iter();
        let mut named = findings.filter(|finding| finding["name"] == name);
        named.next().unwrap()["health"].clone()
    };
    for name in [
        "kernel",
        "/dev/fuse",
        "namespaces",
        "overlay on FUSE",
        "seccomp",
    ] {
        assert_eq!(health(name), "ok", "{name}\n{said}");
    }
    for name in [
        "cgroups",
        "disk",
        "file system",
        "clock",
        "git",
        "state directory",
    ] {
        assert_ne!(health(name), "missing", "{name}\n{said}");
    }
    assert!(!env.root().exists(), "doctor makes no state");
}

#[test]
fn people_read_a_row_a_check() {
    let env = TestEnv::new();
    let said = env.run(["doctor"]).success().stdout;
    assert!(said.starts_with("CHECK"), "{said}");
    assert_eq!(said.lines().count(), 12, "{said}");
    env.run(["doctor", "--format", "xml"]).code(2);
}

#[test]
fn where_nothing_can_be_mounted_it_says_so_and_fails() {
    let env = TestEnv::new();
    // An ordinary user without namespaces of their own may mount nothing.
    let mut command = std::process::Command::new("setpriv");
    command
        .args([
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--bounding-set=-all",
        ])
        .arg(crate::support::IECHOR)
        .args(["--root", "/iechor-is-not-allowed-here", "doctor"]);
    env.prepare(&mut command);
    let said = crate::support::Output::of(&mut command).code(1);
    said.says("builds cannot work here").says("namespaces");
    assert!(said.stdout.contains("missing"), "{}", said.transcript());
    assert!(said.stdout.contains("fix:"), "{}", said.transcript());
}

#[test]
fn completions_are_those_of_the_program() {
    let env = TestEnv::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = env.run(["completion", shell]).success().stdout;
        assert!(script.contains("diff-key"), "{shell}\n{script}");
        assert!(!script.contains("/root"), "{shell}");
    }
    env.run(["completion", "csh"]).code(2);
}

#[test]
fn manual_pages_are_written_one_a_command() {
    let env = TestEnv::new();
    let dir = env.path("man").display().to_string();
    env.run(["man", "--dir", &dir]).success();
    let page = fs::read_to_string(env.path("man/iechor-build.1")).unwrap();
    assert!(page.contains("dry\\-run"), "{page}");
    env.run(["man", "--dir", "/proc/none"])
        .code(1)
        .says("manual pages");
}
