//! Looking inside: images, stages, steps, and what a failed step left.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::signals::wait_for;
use crate::support::{Files, TestEnv, leftovers, tool};

fn mounted(env: &TestEnv, args: &[&str]) -> Files {
    let all: Vec<&str> = ["mount"].iter().chain(args).copied().collect();
    let dir = env.run(&all).success().stdout;
    Files::new(dir.trim().into())
}

#[test]
fn images_stages_and_steps_are_mounted_by_name() {
    let env = TestEnv::with_base();
    let text = "FROM base AS build\nRUN echo one > /one\nRUN echo two > /two\nFROM base\nCOPY --from=build /two /two\n";
    env.build_text(text, &["-t", "app"]).success();
    let image = mounted(&env, &["app"]);
    assert!(image.has("two") && !image.has("one"));
    let stage = mounted(&env, &["build"]);
    assert!(stage.has("one") && stage.has("two"));
    let dir = env.path("here");
    fs::create_dir(&dir).unwrap();
    let step = mounted(&env, &["build:2", dir.to_str().unwrap()]);
    assert_eq!(step.path(""), dir.join(""));
    assert!(
        step.has("one") && !step.has("two"),
        "the step before the second RUN's result"
    );
    let listed = env.run(["mounts", "--format", "json"]).success();
    assert_eq!(tool::json(&listed.stdout).as_array().unwrap().len(), 3);
    env.run(["umount", dir.to_str().unwrap()]).success();
    assert!(fs::read_dir(&dir).unwrap().next().is_none());
    env.run(["umount", "--all"]).success();
    assert_eq!(leftovers::mounts_left(&env.path("")), Vec::<String>::new());
}

#[test]
fn a_mount_is_read_only_and_harmless() {
    let env = TestEnv::with_base();
    env.build_text("FROM base\nRUN echo x > /x\n", &["-t", "app"])
        .success();
    let files = mounted(&env, &["app"]);
    assert!(fs::write(files.path("x"), "y").is_err());
    assert!(fs::write(files.path("new"), "y").is_err());
    let table = leftovers::mounts(&env.path("")).join("\n");
    assert!(table.contains("ro,nosuid,nodev"), "{table}");
    assert_eq!(files.read("x"), "x\n");
}

#[test]
fn the_files_of_a_failed_step_are_as_it_left_them() {
    let env = TestEnv::with_base();
    let text = "FROM base\nRUN mkdir /half && echo half > /half/way && rm /etc/group && exit 1\n";
    env.build_text(text, &[]).code(1).says(" mount --failed`");
    let files = mounted(&env, &["--failed"]);
    assert_eq!(files.read("half/way"), "half\n");
    assert!(!files.has("etc/group") && files.has("etc/passwd"));
}

#[test]
fn a_mount_agrees_with_the_export_to_the_last_byte() {
    let env = TestEnv::with_base();
    let text = "FROM base\nRUN mkdir /d && ln /bin/busybox /d/hard && ln -s x /d/link && chown 5:6 /d && chmod 4711 /d/hard\n";
    let out = env.export_text(text, &["-t", "app"]);
    let files = mounted(&env, &["app"]);
    let difference = Command::new("diff")
        .args(["-r", "--no-dereference"])
        .args([out.path(""), files.path("")])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&difference.stdout), "");
    assert_eq!((files.owner("d"), files.mode("d/hard")), ((5, 6), 0o4711));
}

#[test]
fn a_reference_that_means_nothing_is_told() {
    let env = TestEnv::with_base();
    let failed = env.run(["mount", "nosuchthing"]);
    assert!(!failed.stderr.is_empty());
    failed.code(1).says("nosuchthing");
    env.run(["mount", "--failed"]).code(1).says("fail");
    env.run(["mount"]).code(2).says("REF");
    env.run(["umount", "/no/such/mount"])
        .code(1)
        .says("/no/such/mount");
    env.run(["mount", "base", "/no/such/dir"])
        .code(1)
        .says("/no/such/dir");
    let full = env.path("full");
    fs::create_dir_all(full.join("mine")).unwrap();
    env.run(["mount", "base", full.to_str().unwrap()])
        .code(1)
        .says("full is not empty: choose an empty directory");
}

/// Kills the one server of the test's mounts, and waits until it is gone.
fn kill_server(env: &TestEnv) {
    let server = leftovers::processes(&env.path("")).join("\n");
    let pid = server
        .split_whitespace()
        .nth(1)
        .unwrap_or_else(|| panic!("no server: {server:?}"));
    tool::run("kill", ["-9", pid]).success();
    // Its command line goes before its locks do.
    while leftovers::is_running(pid) {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn a_killed_server_is_detected_and_cleared() {
    let env = TestEnv::with_base();
    let dir = mounted(&env, &["base"]).path("");
    kill_server(&env);
    env.run(["mounts"])
        .success()
        .says(dir.to_str().unwrap().trim_end_matches('/'));
    assert_eq!(leftovers::mounts_left(&env.path("")), Vec::<String>::new());
    assert!(env.run(["mounts", "-q"]).success().stdout.is_empty());
    assert!(!Path::new(&dir).join("bin").exists());
}

/// What lies in the scratch directory of the state.
fn scratch(env: &TestEnv) -> Vec<String> {
    let entries = fs::read_dir(env.root().join("scratch")).unwrap();
    entries
        .map(|entry| entry.unwrap().path().display().to_string())
        .collect()
}

#[test]
fn a_writable_mount_takes_changes_and_forgets_them() {
    let env = TestEnv::with_base();
    let files = mounted(&env, &["--rw", "base"]);
    fs::write(files.path("etc/passwd"), "changed\n").unwrap();
    fs::remove_file(files.path("etc/group")).unwrap();
    fs::rename(files.path("bin"), files.path("moved")).unwrap();
    fs::create_dir(files.path("new")).unwrap();
    assert_eq!(files.read("etc/passwd"), "changed\n");
    assert!(files.has("moved/busybox") && !files.has("bin"));
    let table = leftovers::mounts_but(&env.path(""), 1);
    assert_eq!(table.len(), 1, "the overlay alone: {table:?}");
    assert!(table[0].contains("rw,nosuid,nodev"), "{table:?}");

    let listed = tool::json(&env.run(["mounts", "--format", "json"]).success().stdout);
    assert_eq!(listed[0]["access"], "rw");
    let upper = Path::new(listed[0]["upper"].as_str().unwrap());
    assert!(upper.join("new").is_dir(), "{listed}");
    env.run(["umount", files.path("").to_str().unwrap()])
        .success();
    assert_eq!(leftovers::mounts_left(&env.path("")), Vec::<String>::new());
    assert_eq!(scratch(&env), Vec::<String>::new());
    let again = mounted(&env, &["--rw", "base"]);
    assert!(again.has("bin") && again.has("etc/group") && !again.has("new"));
}

#[test]
fn a_running_build_keeps_no_mount_from_ending() {
    let env = TestEnv::with_base();
    let dir = env.path("here");
    fs::create_dir(&dir).unwrap();
    mounted(&env, &["base", dir.to_str().unwrap()]);
    mounted(&env, &["--rw", "base"]);
    env.iechorfile("FROM base\nRUN echo reached; exec sleep 1000\n");
    let mut command = env.command(env.build_args(&[]));
    let mut build = command.stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&mut build, "reached");
    env.run(["umount", "--all"]).success();
    assert!(
        build.try_wait().unwrap().is_none(),
        "it waited for the build"
    );
    assert!(env.run(["mounts", "-q"]).success().stdout.is_empty());
    assert!(fs::read_dir(&dir).unwrap().next().is_none());
    tool::run("kill", ["-INT", &build.id().to_string()]).success();
    build.wait().unwrap();
    assert_eq!(
        leftovers::of(&env.path(""), &env.path("tmp")),
        Vec::<String>::new()
    );
}

#[test]
fn a_writable_mount_that_somebody_else_unmounts_leaves_nothing() {
    let env = TestEnv::with_base();
    let dir = env.path("here");
    fs::create_dir(&dir).unwrap();
    let files = mounted(&env, &["--rw", "base", dir.to_str().unwrap()]);
    fs::write(files.path("new"), "x").unwrap();
    tool::run("umount", [&dir]).success();
    while !leftovers::processes(&env.path("")).is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(scratch(&env), Vec::<String>::new());
    assert!(env.run(["mounts", "-q"]).success().stdout.is_empty());
}

#[test]
fn the_next_command_names_a_writable_mount_whose_server_was_killed() {
    let env = TestEnv::with_base();
    let dir = env.path("here");
    fs::create_dir(&dir).unwrap();
    let files = mounted(&env, &["--rw", "base", dir.to_str().unwrap()]);
    fs::write(files.path("new"), "x").unwrap();
    kill_server(&env);
    let next = env.run(["images"]).success();
    next.says(dir.to_str().unwrap())
        .says("what was written to it is gone");
    assert_eq!(leftovers::mounts_left(&env.path("")), Vec::<String>::new());
    assert_eq!(scratch(&env), Vec::<String>::new());
    assert!(fs::read_dir(&dir).unwrap().next().is_none());
    env.run(["images"]).success().keeps_quiet_about("died");
}

#[test]
fn a_build_names_a_dead_mount_and_clears_it_from_the_host() {
    let env = TestEnv::with_base();
    let dir = env.path("here");
    fs::create_dir(&dir).unwrap();
    let _files = mounted(&env, &["base", dir.to_str().unwrap()]);
    kill_server(&env);
    env.build_text("FROM base\nRUN true\n", &[])
        .success()
        .says(dir.to_str().unwrap());
    assert_eq!(leftovers::mounts_left(&env.path("")), Vec::<String>::new());
}

#[test]
fn a_mount_in_use_is_not_ended_and_not_lost() {
    let env = TestEnv::with_base();
    let files = mounted(&env, &["--rw", "base"]);
    let open = fs::File::create(files.path("open")).unwrap();
    let dir = files.path("");
    env.run(["umount", dir.to_str().unwrap()])
        .code(1)
        .says("in use");
    env.run(["mount", "base", dir.to_str().unwrap()])
        .code(1)
        .says("a mount point already");
    assert!(files.has("open"));
    drop(open);
    env.run(["umount", "--all"]).success();
}

#[test]
fn what_is_mounted_is_not_pruned() {
    let env = TestEnv::with_base();
    env.build_text("FROM base\nRUN echo kept > /kept\n", &["-t", "app"])
        .success();
    let files = mounted(&env, &["--rw", "app"]);
    env.run(["rmi", "app", "base"]).success();
    env.run(["builder", "prune", "-a", "-f"]).success();
    assert_eq!(files.read("kept"), "kept\n");
    env.run(["umount", "--all"]).success();
    env.run(["builder", "prune", "-a", "-f"]).success();
    env.run(["mount", "app"]).code(1).says("app");
}
