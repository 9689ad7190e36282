//! `iechor builder cache-mounts`: the contents of `RUN --mount=type=cache` outside of a build.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Stdio;

use crate::support::TestEnv;
use crate::support::tool::{self, json};

const FILL: &str = "FROM base\nRUN --mount=type=cache,id=npm,target=/c \
     mkdir /c/d && echo one > /c/d/f && ln /c/d/f /c/d/g && ln -s d/f /c/l \
     && chown 1000:1001 /c/d/f && chmod 4750 /c/d/f && touch -d @1000000000 /c/d/f\n";

const SHOW: &str = "FROM base\nRUN --mount=type=cache,id=npm,target=/c cat /c/l /c/d/g > /seen\n";

/// A test directory whose cache mount `npm` has a file with all that a file can have.
fn filled() -> TestEnv {
    let env = TestEnv::with_base();
    env.build_text(FILL, &[]).success();
    let file = data(&env).join("d/f").display().to_string();
    tool::run("setfattr", ["-n", "user.colour", "-v", "blue", &file]).success();
    env
}

/// What a step sees of the one cache mount.
fn data(env: &TestEnv) -> PathBuf {
    let mut dirs = fs::read_dir(env.root().join("cache-mounts")).unwrap();
    dirs.next().unwrap().unwrap().path().join("data")
}

fn cache_mounts(args: &[&str]) -> Vec<String> {
    let verb = ["builder", "cache-mounts"];
    verb.iter().chain(args).map(ToString::to_string).collect()
}

fn assert_as_filled(env: &TestEnv) {
    let dir = data(env).join("d");
    let found = fs::metadata(dir.join("f")).unwrap();
    let facts = (
        found.mode() & 0o7777,
        found.uid(),
        found.gid(),
        found.mtime(),
    );
    assert_eq!(facts, (0o4750, 1000, 1001, 1_000_000_000));
    assert_eq!(found.ino(), fs::metadata(dir.join("g")).unwrap().ino());
    let file = dir.join("f").display().to_string();
    let xattr = tool::run("getfattr", ["-n", "user.colour", "--only-values", &file]);
    assert_eq!(xattr.success().stdout, "blue");
    let out = env.export_text(SHOW, &[]);
    assert_eq!(out.read("seen"), "one\none\n");
}

#[test]
fn contents_go_from_one_machine_to_another() {
    let (here, there) = (filled(), TestEnv::with_base());
    let archive = here.path("npm.tar").display().to_string();
    here.run(cache_mounts(&["export", "npm", &archive]))
        .success();
    there
        .run(cache_mounts(&["import", "npm", &archive]))
        .success();
    assert_as_filled(&there);
    let lost = here.run(["du", "--format", "json"]).success();
    lost.keeps_quiet_about("leftover");
}

#[test]
fn contents_go_through_pipes() {
    let (here, there) = (filled(), TestEnv::with_base());
    let archive = here.run(cache_mounts(&["export", "npm"])).success().bytes;
    let import = ["builder", "cache-mounts", "import", "npm", "-"];
    there.run_with_stdin(&import, &archive).success();
    assert_as_filled(&there);
    let refused = there.run_with_stdin(&import, &archive).code(1);
    refused.says("has contents already").says("--replace");
    fs::write(data(&there).join("more"), "x").unwrap();
    let replace = ["builder", "cache-mounts", "import", "--replace", "npm"];
    there.run_with_stdin(&replace, &archive).success();
    assert!(!data(&there).join("more").exists());
    assert_as_filled(&there);
}

#[test]
fn they_are_listed_and_removed() {
    let env = filled();
    let listed = json(
        &env.run(cache_mounts(&["ls", "--format", "json"]))
            .success()
            .stdout,
    );
    let row = &listed.as_array().unwrap()[0];
    assert_eq!(
        (row["id"].as_str(), row["in_use"].as_bool()),
        (Some("npm"), Some(false))
    );
    assert!(row["bytes"].as_u64().unwrap() > 0);
    assert!(row["last_used"].as_i64().unwrap() > 1_600_000_000, "{row}");
    let unknown = env.run(cache_mounts(&["rm", "yarn"])).code(1);
    unknown
        .says("no cache mount has the id \"yarn\"")
        .says("npm");
    let directory = row["directory"].as_str().unwrap();
    env.run(cache_mounts(&["rm", &directory[..8]])).success();
    let table = env.run(cache_mounts(&["ls"])).success().stdout;
    assert_eq!(table.lines().count(), 1, "{table}");
}

#[test]
fn what_a_step_uses_is_left_alone() {
    let env = filled();
    env.iechorfile("FROM base\nRUN --mount=type=cache,id=npm,target=/c touch /c/begun; sleep 3\n");
    let mut command = env.command(env.build_args(&[]));
    let mut build = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !data(&env).join("begun").exists() {
        assert!(build.try_wait().unwrap().is_none(), "the build ended");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    for verb in [&["rm", "npm"][..], &["export", "npm"]] {
        env.run(cache_mounts(verb)).code(1).says("in use by a step");
    }
    let replace = ["builder", "cache-mounts", "import", "--replace", "npm"];
    let empty = [0; 1024];
    env.run_with_stdin(&replace, &empty)
        .code(1)
        .says("in use by a step");
    let listed = env.run(cache_mounts(&["ls"])).success().stdout;
    assert!(listed.contains("true"), "{listed}");
    assert!(build.wait().unwrap().success());
    env.run(cache_mounts(&["rm", "npm"])).success();
}

#[test]
fn a_hostile_archive_leaves_nothing() {
    let env = TestEnv::with_base();
    let import = ["builder", "cache-mounts", "import", "npm"];
    env.run_with_stdin(&import, b"no archive at all")
        .code(1)
        .says("cannot read the archive");
    let dir = env.path("tmp");
    fs::write(dir.join("evil"), "x").unwrap();
    let shown = dir.display().to_string();
    let args = [
        "-C",
        &shown,
        "-cPf",
        "-",
        "--transform",
        "s,evil,../../../evil,",
        "evil",
    ];
    let archive = tool::run("tar", args).success().bytes;
    env.run_with_stdin(&import, &archive)
        .code(1)
        .says("cannot read the archive");
    fs::remove_file(dir.join("evil")).unwrap();
    let left = env.run(cache_mounts(&["ls"])).success().stdout;
    assert_eq!(left.lines().count(), 1, "{left}");
}
