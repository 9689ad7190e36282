//! A real input: Debian by debootstrap, apt-get over the network, a compiler, a slim last stage.
//!
//! Needs a package mirror; where none answers the test says so on standard error and stops.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::support::TestEnv;
use crate::support::registry::Registry;
use crate::support::tool::{self, Podman, skopeo};

const SUITE: &str = "bookworm";
const PROGRAM: &str = "#include <stdio.h>\nint main(void) { puts(\"compiled\"); return 0; }\n";
const TEXT: &str = "ARG BASE\n\
    FROM ${BASE} AS build\n\
    RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends gcc libc6-dev\n\
    WORKDIR /src\n\
    COPY *.c ./\n\
    RUN gcc -static -O2 -o program main.c\n\
    FROM ${BASE} AS slim\n\
    COPY --from=build /src/program /usr/local/bin/program\n\
    CMD [\"program\"]\n";

/// The mirror that this machine itself installs from.
pub(super) fn mirror() -> Option<String> {
    let sources = [
        "/etc/apt/sources.list",
        "/etc/apt/sources.list.d/debian.sources",
    ];
    let text: String = sources
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect();
    let line = text
        .lines()
        .find(|line| line.starts_with("deb http") || line.starts_with("URIs:"))?;
    let url = line
        .split_whitespace()
        .find(|word| word.starts_with("http"))?;
    let release = format!("{url}/dists/{SUITE}/InRelease");
    let seconds = Duration::from_secs(10).as_secs().to_string();
    let fetched = Command::new("curl")
        .args(["-sfL", "-m", &seconds, "-o", "/dev/null", &release])
        .status();
    fetched
        .is_ok_and(|status| status.success())
        .then(|| url.to_owned())
}

/// A minimal Debian as a tar archive, made once.
pub(super) fn rootfs(mirror: &str) -> PathBuf {
    static MAKING: Mutex<()> = Mutex::new(());
    let _alone = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let archive = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("debian-{SUITE}.tar"));
    if !archive.exists() {
        let work = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let root = work.path().join("root").display().to_string();
        let made = tool::run("debootstrap", ["--variant=minbase", SUITE, &root, mirror]).success();
        assert!(
            made.stdout.contains("successfully"),
            "{}",
            made.transcript()
        );
        let unfinished = work.path().join("root.tar").display().to_string();
        let exclude = [
            "--exclude=./var/cache/apt/archives/*.deb",
            "--exclude=./dev/*",
        ];
        let args = [
            "-C",
            &root,
            "--numeric-owner",
            "--xattrs",
            "-cf",
            &unfinished,
        ];
        tool::run("tar", args.iter().chain(&exclude).chain(&["."])).success();
        fs::rename(&unfinished, &archive).unwrap();
    }
    archive
}

/// Debian in a local registry, as a base for others.
fn publish(env: &TestEnv, registry: &Registry, mirror: &str) -> String {
    let context = crate::support::Files::new(env.path("debian"));
    context.write(
        "iEchorfile",
        "FROM scratch\nADD root.tar /\nCMD [\"bash\"]\n",
    );
    fs::hard_link(rootfs(mirror), context.path("root.tar"))
        .or_else(|_| fs::copy(rootfs(mirror), context.path("root.tar")).map(drop))
        .unwrap();
    let image = registry.image("debian:12");
    let context = context.path("").display().to_string();
    env.run(["build", "-t", &image, &context]).success();
    env.run(["push", &image]).success().says("pushed");
    image
}

#[test]
fn a_compiler_from_the_network_and_a_slim_result() {
    let Some(mirror) = mirror() else {
        eprintln!("skipped: no Debian mirror answers from here");
        return;
    };
    let publisher = TestEnv::new();
    let registry = Registry::start(&publisher.path(""));
    let base = format!("BASE={}", publish(&publisher, &registry, &mirror));

    let env = TestEnv::new();
    env.context()
        .write("main.c", PROGRAM)
        .write("other.c", "int other;\n");
    env.iechorfile(TEXT);
    let archive = env.path("image.tar").display().to_string();
    let output = format!("type=docker,dest={archive}");
    let image = registry.image("program:v1");
    let build = |extra: &[&str]| {
        let args: Vec<&str> = ["--build-arg", &base, "-t", &image]
            .iter()
            .chain(extra)
            .copied()
            .collect();
        env.build(&args).success()
    };
    let first = build(&["-o", &output]);
    assert_eq!(first.executed().len(), 4, "{}", first.transcript());
    build(&[]).all_hits();

    env.context().set_mtime("main.c", 1_100_000_000);
    build(&[]).executes(&["COPY *.c", "RUN gcc", "COPY --from=build"]);

    runs_under_podman(&env, &archive);
    env.run(["push", &image]).success().says("pushed");
    let copy = format!("oci:{}:v1", env.path("copy").display());
    skopeo(&[
        "copy",
        "--src-tls-verify=false",
        &format!("docker://{image}"),
        &copy,
    ])
    .success();
}

fn runs_under_podman(env: &TestEnv, archive: &str) {
    let podman = Podman::new(&env.path(""));
    let loaded = podman.run(&["load", "-q", "-i", archive]).success().stdout;
    let image = loaded.trim().rsplit(' ').next().unwrap().to_owned();
    let run = [
        "run",
        "--rm",
        "--network=none",
        "--runtime=runc",
        "--ulimit=nofile=1024:1024",
        "--ulimit=nproc=1024:1024",
        &image,
    ];
    assert_eq!(podman.run(&run).success().stdout, "compiled\n");
}
