//! A state directory on a read-only file system: a backup, a disk that went bad, a volume of another
//! machine. What is there can be looked at.

use std::process::Command;

use crate::support::{Output, TestEnv};

/// Runs the program in a mount namespace where the state directory is read-only.
fn run_read_only(env: &TestEnv, args: &[&str]) -> Output {
    const SCRIPT: &str =
        "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\"";
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", SCRIPT])
        .arg(env.root());
    command
        .arg(env!("CARGO_BIN_EXE_iechor"))
        .args(["--root"])
        .arg(env.root())
        .args(args);
    env.prepare(&mut command);
    Output::of(&mut command)
}

#[test]
fn what_is_there_can_be_looked_at() {
    let env = TestEnv::with_base();
    env.build_text("FROM base\nRUN echo told > /file\n", &["-t", "app"])
        .success();
    let listings: [&[&str]; 9] = [
        &["images", "--format=json"],
        &["history", "--format=json"],
        &["builder", "ls", "--format=json"],
        &["builder", "du", "--format=json"],
        &["builder", "prune", "-a", "--dry-run", "--format=json"],
        &["builder", "why", "0:2"],
        &["diff", "base", "app"],
        &["blame", "app:/file"],
        &["ls", "app:/"],
    ];
    for args in listings {
        let written = env.run(args).success().stdout;
        let read_only = run_read_only(&env, args).success().stdout;
        assert_eq!(read_only, written, "{args:?}");
    }
    let told = run_read_only(&env, &["cat", "app:/file"]).success();
    assert_eq!(told.stdout, "told\n");
}

#[test]
fn a_dry_run_agrees_with_that_on_a_writable_one() {
    let env = TestEnv::with_base();
    env.build_text("FROM base\nRUN echo a\n", &[]).success();
    env.iechorfile("FROM base\nRUN echo a\nRUN echo b\n");
    let args = env.build_args(&["--dry-run"]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let read_only = run_read_only(&env, &args).success().stdout;
    assert!(read_only.contains("2 cached, 1 would run"), "{read_only}");
    assert_eq!(read_only, env.run(&args).success().stdout);
}

#[test]
fn what_would_write_says_where_it_cannot() {
    let env = TestEnv::with_base();
    env.build_text("FROM base\nRUN echo a\n", &[]).success();
    run_read_only(&env, &["builder", "prune", "-af"])
        .code(5)
        .says("Read-only file system");
    run_read_only(&env, &["mount", "base"])
        .code(1)
        .says("Read-only file system");
}
