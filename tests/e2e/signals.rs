//! Ctrl-C, SIGTERM and kill -9 in the middle of a RUN: nothing is left, nothing is recorded.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::support::{TestEnv, leftovers, tool};

const SLOW: &str =
    "FROM base\nRUN echo done before\nRUN echo reached; exec sleep 1000\nRUN echo never\n";

/// Reads the program's progress until a line of a step's output has this text.
pub(crate) fn wait_for(child: &mut Child, text: &str) {
    let mut progress = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    let mut line = String::new();
    while line.contains("] RUN") || !line.trim_end().ends_with(text) {
        said.push_str(&line);
        line.clear();
        let read = progress.read_line(&mut line).unwrap();
        assert!(read > 0, "{text:?} was never said:\n{said}");
    }
    // The rest is read to its end, so that the program never waits for its reader.
    std::thread::spawn(move || progress.read_to_end(&mut Vec::new()));
}

fn start(env: &TestEnv) -> Child {
    env.iechorfile(SLOW);
    let mut command = env.command(env.build_args(&[]));
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&mut child, "reached");
    child
}

fn send(child: &Child, signal: &str) {
    let pid = child.id().to_string();
    tool::run("kill", ["-s", signal, &pid]).success();
}

/// The program must end before long.
fn end_of(mut child: Child, within: Duration) -> ExitStatus {
    let deadline = Instant::now() + within;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(Instant::now() < deadline, "the program does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Only what had ended is recorded; the state is as good as new.
fn assert_recovers(env: &TestEnv) {
    let next = env
        .build_text(&SLOW.replace("exec sleep 1000", "true"), &[])
        .success();
    assert_eq!(
        next.cached(),
        ["RUN echo done before"],
        "{}",
        next.transcript()
    );
}

#[test]
fn ctrl_c_ends_the_step_and_exits_130() {
    let env = TestEnv::with_base();
    let child = start(&env);
    send(&child, "INT");
    assert_eq!(end_of(child, Duration::from_secs(15)).code(), Some(130));
    assert_eq!(leftovers::mounts_left(&env.path("")), Vec::<String>::new());
    assert_eq!(leftovers::processes(&env.path("")), Vec::<String>::new());
    assert_recovers(&env);
}

#[test]
fn sigterm_exits_143_and_sighup_129() {
    let env = TestEnv::with_base();
    for (signal, code) in [("TERM", 143), ("HUP", 129)] {
        let child = start(&env);
        send(&child, signal);
        assert_eq!(end_of(child, Duration::from_secs(15)).code(), Some(code));
    }
    assert_recovers(&env);
}

#[test]
fn a_second_ctrl_c_does_not_wait_for_the_step() {
    let env = TestEnv::with_base();
    let stubborn = SLOW.replace(
        "exec sleep 1000",
        "trap '' TERM INT; while true; do sleep 1; done",
    );
    env.iechorfile(&stubborn.replace("echo reached;", "trap '' TERM INT; echo reached;"));
    let mut child = env
        .command(env.build_args(&[]))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for(&mut child, "reached");
    send(&child, "INT");
    std::thread::sleep(Duration::from_millis(200));
    send(&child, "INT");
    assert_eq!(end_of(child, Duration::from_secs(5)).code(), Some(130));
}

#[test]
fn kill_9_leaves_no_mount_and_no_process() {
    let env = TestEnv::with_base();
    let mut child = start(&env);
    child.kill().unwrap();
    child.wait().unwrap();
    let left = leftovers::of(&env.path(""), &env.path("tmp"));
    assert!(left.is_empty(), "{left:?}");
    assert_recovers(&env);
}

/// How a build stands.
fn status(env: &TestEnv, build: &serde_json::Value) -> String {
    let output = env.run(["history", "--format", "json"]).success();
    let builds = tool::json(&output.stdout);
    let mut builds = builds.as_array().unwrap().iter();
    let found = builds.find(|entry| entry["id"] == *build).unwrap();
    found["status"].as_str().unwrap().to_owned()
}

#[test]
fn a_killed_build_is_told_to_be_and_its_logs_are_pruned() {
    let env = TestEnv::with_base();
    let prune = || {
        let logs = ["builder", "prune", "-a", "-f", "--filter", "type=logs"];
        env.run(logs).success()
    };
    let mut child = start(&env);
    let newest = env.run(["history", "--format", "json", "--last", "1"]);
    let build = tool::json(&newest.stdout)[0]["id"].clone();
    let logs = env.root().join("logs").join(build.to_string());
    let at_first = status(&env, &build);
    prune();
    let kept = logs.is_dir();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(at_first, "running");
    assert!(kept);
    let deadline = Instant::now() + Duration::from_secs(20);
    while status(&env, &build) != "killed" {
        // What the step left running ends after it.
        assert!(Instant::now() < deadline, "{}", status(&env, &build));
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_recovers(&env);
    prune();
    assert!(!logs.exists());
    assert_eq!(status(&env, &build), "cancelled");
}

#[test]
fn a_closed_pipe_ends_a_listing_quietly() {
    let env = TestEnv::with_base();
    for n in 0..50 {
        env.run(["tag", "base", &format!("name{n}")]).success();
    }
    let mut command = env.command(["images", "--no-trunc"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(
        (child.wait().unwrap().code(), said.as_str()),
        (Some(141), "")
    );
}
