//! Bad input: a clear error, the right exit code, nothing left behind (the environment looks).

use std::fs;
use std::process::Command;

use crate::support::registry::Registry;
use crate::support::{Output, TestEnv, archive, tool};

#[test]
fn every_error_of_the_file_is_reported_with_its_place() {
    let env = TestEnv::new();
    let failed = env
        .build_text("FROM scratch\nRUNN echo hi\nCOPY --chwon=1 a /a\n", &[])
        .code(3);
    failed
        .says("unknown instruction")
        .says("iEchorfile:2:1")
        .says("RUNN echo hi")
        .says("^^^^");
    failed.says("RUN?").says("iEchorfile:3:6").says("--chown");
}

#[test]
fn a_file_without_a_stage_is_refused() {
    let env = TestEnv::new();
    env.build_text("# nothing\n", &[]).code(3).says("FROM");
    env.build_text("RUN true\n", &[])
        .code(3)
        .says("iEchorfile:1");
}

#[test]
fn no_file_and_no_context() {
    let env = TestEnv::new();
    env.build(&[]).code(2).says("iEchorfile").says("Dockerfile");
    env.build(&["-f", "/no/such/file"])
        .code(2)
        .says("/no/such/file");
    env.run(["build", "/no/such/context"])
        .code(2)
        .says("/no/such/context");
    env.context().write("file", "");
    let file = env.context().path("file").display().to_string();
    env.run(["build", &file])
        .code(2)
        .says("not a directory")
        .says("-f");
    env.run(["build", "https://example.invalid/repo.git"])
        .code(2)
        .says("remote");
}

#[test]
fn a_missing_source_is_named() {
    let env = TestEnv::new();
    env.context().write("readme.md", "");
    let failed = env
        .build_text("FROM scratch\nCOPY readme.txt /r\n", &[])
        .code(1);
    failed.says("readme.txt").says("iEchorfile:2");
    env.context().write(".dockerignore", "readme.md\n");
    let ignored = env
        .build_text("FROM scratch\nCOPY readme.md /r\n", &[])
        .code(1);
    ignored.says("readme.md").says("ignore file");
}

#[test]
fn a_source_outside_the_context_is_refused() {
    let env = TestEnv::new();
    fs::write(env.path("outside"), "private").unwrap();
    let failed = env.build_text("FROM scratch\nCOPY ../outside /o\n", &[]);
    failed.code(1).says("outside");
    env.context().symlink("escape", "..");
    env.build_text("FROM scratch\nCOPY escape/outside /o\n", &[])
        .code(1)
        .says("escape");
}

#[test]
fn stages_that_wait_for_each_other() {
    let env = TestEnv::new();
    let text = "FROM scratch AS a\nCOPY --from=b /x /x\nFROM scratch AS b\nCOPY --from=a /x /x\n";
    env.build_text(text, &[]).code(3).says("a -> b");
    env.build_text("FROM scratch AS a\nCOPY --from=a /x /x\n", &[])
        .code(3)
        .says("a -> a");
}

#[test]
fn unknown_stages_are_told_with_those_that_exist() {
    let env = TestEnv::new();
    let text = "FROM scratch AS build\nFROM scratch AS final\n";
    env.build_text(text, &["--target", "biuld"])
        .code(2)
        .says("biuld")
        .says("build")
        .says("final");
    env.build(&["--target", "7"]).code(2).says("7");
    env.build(&["--no-cache-filter", "finale"])
        .code(2)
        .says("finale")
        .says("final");
}

#[test]
fn an_unreachable_registry() {
    let env = TestEnv::new();
    env.build_text("FROM 127.0.0.1:1/nobody/here\n", &[])
        .code(4)
        .says("127.0.0.1:1");
    env.run(["pull", "127.0.0.1:1/nobody/here"])
        .code(4)
        .says("127.0.0.1:1");
}

#[test]
fn what_a_registry_does_not_have() {
    let env = TestEnv::new();
    let registry = Registry::start(&env.path(""));
    let image = registry.image("none:v1");
    env.build_text(&format!("FROM {image}\n"), &[])
        .code(4)
        .says("none");
    let pinned = format!("{}@sha256:{}", registry.image("none"), "0".repeat(64));
    env.build_text(&format!("FROM {pinned}\n"), &[])
        .code(4)
        .says("sha256:0000");
}

/// An image with one layer in a registry, and the file of its layer there.
fn pushed(env: &TestEnv, registry: &Registry) -> (String, std::path::PathBuf) {
    let image = registry.image("app:v1");
    env.build_text(
        "FROM base\nRUN head -c 100000 /dev/urandom > /data\n",
        &["-t", &image],
    )
    .success();
    env.run(["push", &image]).success().says("pushed");
    let layers = archive::layers(&format!("docker://{image}"));
    let layer = registry.blob(layers.last().unwrap());
    (image, layer)
}

#[test]
fn a_damaged_layer_is_found_out() {
    let env = TestEnv::with_base();
    let registry = Registry::start(&env.path(""));
    let (image, layer) = pushed(&env, &registry);
    let mut bytes = fs::read(&layer).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&layer, bytes).unwrap();
    let other = TestEnv::new();
    other
        .build_text(&format!("FROM {image}\nRUN true\n"), &[])
        .code(4)
        .says("sha256:");
}

#[test]
fn a_truncated_layer_is_found_out() {
    let env = TestEnv::with_base();
    let registry = Registry::start(&env.path(""));
    let (image, layer) = pushed(&env, &registry);
    let length = fs::metadata(&layer).unwrap().len();
    fs::File::options()
        .write(true)
        .open(&layer)
        .unwrap()
        .set_len(length / 2)
        .unwrap();
    let other = TestEnv::new();
    other
        .build_text(&format!("FROM {image}\nRUN true\n"), &[])
        .code(4)
        .says("sha256:");
    other
        .run(["images", "-q"])
        .success()
        .keeps_quiet_about("app");
}

#[test]
fn a_state_directory_that_cannot_be_written() {
    let env = TestEnv::new();
    env.iechorfile("FROM scratch\n");
    fs::write(env.path("file"), "").unwrap();
    let root = env.path("file").display().to_string();
    let context = env.path("context").display().to_string();
    let failed = tool::run(crate::support::IECHOR, ["--root", &root, "build", &context]).code(5);
    failed.says(&root);
    let script = format!(
        "mkdir -p {0}/ro && mount --bind {0}/ro {0}/ro && mount -o remount,bind,ro {0}/ro && exec {1} --root {0}/ro build {2}",
        env.path("").display(),
        crate::support::IECHOR,
        context
    );
    let failed = in_own_mounts(&env, &script).code(5);
    failed.says("/ro");
}

#[test]
fn a_full_disk() {
    let env = TestEnv::new();
    env.context().write("big", vec![7; 32 << 20]);
    env.iechorfile("FROM scratch\nCOPY big /big\n");
    let script = format!(
        "mkdir -p {0}/small && mount -t tmpfs -o size=16m,mode=0700 none {0}/small && \
         {1} --root {0}/small build {0}/context; code=$?; \
         {1} --root {0}/small builder du >/dev/null || exit 99; exit $code",
        env.path("").display(),
        crate::support::IECHOR,
    );
    in_own_mounts(&env, &script).code(5).says("space");
}

#[test]
fn no_fuse_device() {
    let env = TestEnv::with_base();
    env.iechorfile("FROM base\nRUN true\n");
    let script = format!(
        "mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/urandom c 1 9 && \
         exec {1} --root {0}/state build {0}/context",
        env.path("").display(),
        crate::support::IECHOR,
    );
    in_own_mounts(&env, &script).code(5).says("/dev/fuse");
}

#[test]
fn an_image_without_a_place_for_a_mount() {
    let env = TestEnv::new();
    std::os::unix::fs::symlink("/proc", env.context().path("proc")).unwrap();
    let failed = env
        .build_text("FROM scratch\nCOPY . /\nRUN true\n", &[])
        .code(1);
    failed
        .says("/proc leads through more than 40 symbolic links")
        .says("the image must have a directory there");
}

/// Runs a script in a mount namespace that dies with it.
fn in_own_mounts(env: &TestEnv, script: &str) -> Output {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-ec", script]);
    env.prepare(&mut command);
    Output::of(&mut command)
}

#[test]
fn a_corrupt_database_is_said_to_be_one() {
    let env = TestEnv::with_base();
    fs::write(
        env.root().join("cache.db"),
        "this is no database, and never was one\n".repeat(200),
    )
    .unwrap();
    for name in ["cache.db-wal", "cache.db-shm"] {
        let _absent = fs::remove_file(env.root().join(name));
    }
    env.build_text("FROM scratch\n", &[])
        .code(5)
        .says("cache.db");
}

#[test]
fn an_archive_on_standard_input_is_no_file() {
    let env = TestEnv::new();
    let archive = fs::read(crate::support::base::archive()).unwrap();
    env.run_with_stdin(&["build", "-"], &archive)
        .code(2)
        .says("archive");
}

#[test]
fn the_command_line_says_what_is_wrong_with_it() {
    let env = TestEnv::new();
    env.iechorfile("FROM scratch\n");
    env.run(["biuld", "."]).code(2).says("build");
    env.run(["build"]).code(2).says("PATH");
    env.build(&["--no-such-flag"])
        .code(2)
        .says("--no-such-flag");
    env.build(&["--build-arg", "=x"]).code(2).says("NAME=VALUE");
    env.build(&["--platform", "nonsense"])
        .code(2)
        .says("OS/ARCH");
    env.build(&["--network", "wifi"]).code(2).says("host");
    env.build(&["-o", "type=zip,dest=x"])
        .code(2)
        .says("zip")
        .says("oci");
    env.build(&["-q", "-o", "-"]).code(2).says("--iidfile");
    env.build(&["-t", "Upper"]).code(2).says("upper");
    env.build(&["-t", "app:bad tag"]).code(2).says("bad tag");
    env.build(&["--add-host", "db:nowhere"])
        .code(2)
        .says("NAME:IP");
}
