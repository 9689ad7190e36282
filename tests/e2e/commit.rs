//! `iechor commit`: what was written to a mount becomes an image.

use std::fs;

use crate::support::{Files, Output, TestEnv, archive, leftovers, tool};

/// A writable mount of something, on `env/here`.
fn writable(env: &TestEnv, what: &[&str]) -> Files {
    let dir = env.path("here");
    fs::create_dir_all(&dir).unwrap();
    let args = [&["mount", "--rw"], what, &[dir.to_str().unwrap()]].concat();
    env.run(args).success();
    Files::new(dir)
}

fn commit(env: &TestEnv, args: &[&str]) -> Output {
    let dir = env.path("here").display().to_string();
    let args = [&["commit"], args, &[dir.as_str()]].concat();
    env.run(args)
}

/// What is known of an image.
fn inspected(env: &TestEnv, name: &str) -> serde_json::Value {
    tool::json(&env.run(["inspect", name]).success().stdout)[0].clone()
}

#[test]
fn what_was_written_becomes_an_image_and_the_mount_goes_on() {
    let env = TestEnv::with_base();
    let files = writable(&env, &["base"]);
    fs::write(files.path("etc/motd"), "first\n").unwrap();
    fs::remove_file(files.path("etc/group")).unwrap();
    fs::rename(files.path("home"), files.path("people")).unwrap();
    let first = commit(&env, &["-t", "one", "-m", "as told", "-m", "and more"]).success();
    assert!(first.stdout.starts_with("sha256:"), "{}", first.stdout);
    fs::write(files.path("etc/motd"), "second\n").unwrap();
    commit(&env, &["-t", "two"]).success();

    let out = env.export_text("FROM one\n", &[]);
    assert_eq!(out.read("etc/motd"), "first\n");
    assert!(!out.has("etc/group") && !out.has("home") && out.has("people"));
    let out = env.export_text("FROM two\n", &[]);
    assert_eq!(out.read("etc/motd"), "second\n");
    assert!(!out.has("etc/group") && out.has("people"));

    assert_eq!(
        env.run(["cat", "one:/etc/motd"]).success().stdout,
        "first\n"
    );
    let differences = env.run(["diff", "base", "one"]).success().stdout;
    assert!(differences.contains("etc/group") && differences.contains("etc/motd"));
    let author = env.run(["blame", "one:/etc/motd"]).success().stdout;
    assert!(author.contains("COMMIT as told"), "{author}");
}

#[test]
fn the_configuration_is_that_of_the_base_with_the_changes() {
    let env = TestEnv::with_base();
    let text = "FROM base AS build\nENV A=1\nUSER app\nRUN true\n";
    env.build_text(text, &[]).success();
    let files = writable(&env, &["build"]);
    fs::write(files.path("new"), "x").unwrap();
    let changes = [
        "-c",
        "ENV B=$A-2",
        "-c",
        "CMD [\"run\"]",
        "-c",
        "WORKDIR /srv",
        "-c",
        "LABEL l=v",
        "-a",
        "me",
    ];
    commit(&env, &[&["-t", "app"], &changes[..]].concat()).success();
    let archive_path = env.path("app.tar").display().to_string();
    env.build_text(
        "FROM app\n",
        &["-o", &format!("type=oci,dest={archive_path}")],
    )
    .success();
    let config = archive::config(&format!("oci-archive:{archive_path}"));
    let container = &config["config"];
    assert_eq!(container["User"], "app");
    assert_eq!(container["WorkingDir"], "/srv");
    assert_eq!(container["Cmd"], serde_json::json!(["run"]));
    assert_eq!(container["Labels"]["l"], "v");
    let env_list = container["Env"].to_string();
    assert!(
        env_list.contains("A=1") && env_list.contains("B=1-2"),
        "{env_list}"
    );
    assert_eq!(config["author"], "me");
    let history = config["history"].as_array().unwrap();
    let layers = history.iter().filter(|entry| entry["empty_layer"] != true);
    assert_eq!(
        layers.count(),
        config["rootfs"]["diff_ids"].as_array().unwrap().len()
    );
    assert!(
        history
            .iter()
            .any(|entry| entry["created_by"] == "iechor commit")
    );
}

#[test]
fn what_a_failed_step_left_can_be_mended_and_kept() {
    let env = TestEnv::with_base();
    let text = "FROM base\nENV A=1\nRUN echo half > /half && exit 1\n";
    env.build_text(text, &[]).code(1);
    let files = writable(&env, &["--failed"]);
    fs::write(files.path("whole"), "x").unwrap();
    commit(&env, &["-t", "mended"]).success();
    let out = env.export_text("FROM mended\n", &[]);
    assert!(out.has("half") && out.has("whole"));
    let config = inspected(&env, "mended").to_string();
    assert!(
        config.contains("A=1") && config.contains("this step failed"),
        "{config}"
    );
}

#[test]
fn a_commit_is_pruned_as_a_step_is_and_leaves_nothing() {
    let env = TestEnv::with_base();
    let files = writable(&env, &["base"]);
    fs::write(files.path("big"), vec![7; 300_000]).unwrap();
    commit(&env, &["-t", "kept"]).success();
    env.run(["umount", "--all"]).success();
    let listed = env.run(["builder", "ls"]).success().stdout;
    assert!(listed.contains("COMMIT changes of image base"), "{listed}");
    let du = env
        .run(["builder", "du", "--format", "json"])
        .success()
        .stdout;
    assert!(!du.contains("layer without a record"), "{du}");

    env.run(["builder", "prune", "-f"]).success();
    assert_eq!(env.run(["cat", "kept:/big"]).success().bytes.len(), 300_000);
    env.run(["rmi", "kept"]).success();
    let pruned = env.run(["builder", "prune", "-f"]).success();
    assert!(pruned.stdout.contains("COMMIT"), "{}", pruned.transcript());
    let du = env
        .run(["builder", "du", "--format", "json"])
        .success()
        .stdout;
    assert!(
        !du.contains("COMMIT") && !du.contains("without a record"),
        "{du}"
    );
    env.build_text("FROM base\nRUN true\n", &[]).success();
}

#[test]
fn a_mount_that_is_written_is_refused_and_stays_writable() {
    let env = TestEnv::with_base();
    let files = writable(&env, &["base"]);
    let open = fs::File::create(files.path("open")).unwrap();
    commit(&env, &["-t", "app"])
        .code(1)
        .says("is being written");
    fs::write(files.path("more"), "x").unwrap();
    drop(open);
    commit(&env, &["-t", "app"]).success();
    fs::write(files.path("again"), "x").unwrap();
}

#[test]
fn a_commit_without_changes_makes_an_image_of_the_same_layers() {
    let env = TestEnv::with_base();
    let _files = writable(&env, &["base"]);
    commit(&env, &["-t", "same", "-c", "ENV X=1"]).success();
    let layers = |name: &str| inspected(&env, name)["Snapshots"].clone();
    assert_eq!(layers("base"), layers("same"));
    assert!(
        env.run(["diff", "base", "same"])
            .success()
            .stdout
            .is_empty()
    );
}

#[test]
fn what_cannot_be_committed_is_told() {
    let env = TestEnv::with_base();
    env.run(["commit", "nosuchmount"])
        .code(1)
        .says("nosuchmount");
    let read_only = env.run(["mount", "base"]).success().stdout;
    env.run(["commit", read_only.trim()])
        .code(1)
        .says("read-only")
        .says("--rw");
    let _files = writable(&env, &["base"]);
    commit(&env, &["-t", "UPPER"]).code(2).says("UPPER");
    commit(&env, &["-c", "RUN make"])
        .code(2)
        .says("RUN needs a build");
    commit(&env, &["-c", "ENVV A=1"]).code(2).says("ENVV");
    let server = leftovers::processes(&env.path("")).join("\n");
    assert_eq!(server.lines().count(), 2, "{server}");
    let pids: Vec<&str> = server
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    tool::run("kill", [&["-9"], pids.as_slice()].concat()).success();
    while pids.iter().any(|pid| leftovers::is_running(pid)) {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    commit(&env, &[]).code(1).says("has died");
    assert!(env.run(["images"]).success().stdout.lines().count() == 2);
}
