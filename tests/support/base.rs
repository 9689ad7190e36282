//! The base image of the tests, made without a network from Debian's static busybox.

use std::fs;
use std::path::{Path, PathBuf};

use super::tool;
use super::{Files, TestEnv};

/// Where the cached root file system lies; the number goes up when its making changes.
const ARCHIVE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/busybox-rootfs-3.tar");

const PASSWD: &str = "\
root:x:0:0:root:/root:/bin/sh
app:x:1000:1000:app:/home/app:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false
";
const GROUP: &str = "root:x:0:\napp:x:1000:\nextra:x:2000:app\nnobody:x:65534:\n";

/// Builds the base image and names it in the local list.
pub(crate) fn build(env: &TestEnv, name: &str) {
    let context = Files::new(env.path("base"));
    fs::create_dir_all(context.path("")).unwrap();
    fs::copy(archive(), context.path("rootfs.tar")).unwrap();
    context.set_mtime("rootfs.tar", 1_000_000_000);
    let text = "FROM scratch\nADD rootfs.tar /\nENV PATH=/usr/local/bin:/usr/bin:/bin\nCMD [\"/bin/sh\"]\n";
    context.write("iEchorfile", text);
    let context = context.path("").display().to_string();
    let built = env.run(["build", "-q", "-t", name, &context]).success();
    assert!(
        built.stdout.starts_with("sha256:"),
        "{}",
        built.transcript()
    );
}

/// The root file system as a tar archive, made once for all tests.
pub(crate) fn archive() -> PathBuf {
    let archive = PathBuf::from(ARCHIVE);
    if !archive.exists() {
        make(&archive);
    }
    archive
}

/// Appears by one rename: tests run in several processes.
fn make(archive: &Path) {
    let work = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let rootfs = Files::new(work.path().join("rootfs"));
    populate(&rootfs);
    let unfinished = work.path().join("rootfs.tar");
    let rootfs = rootfs.path("").display().to_string();
    let options = [
        "--numeric-owner",
        "--owner=0",
        "--group=0",
        "--sort=name",
        "--mtime=@1000000000",
    ];
    let place = ["-C", &rootfs, "-cf", unfinished.to_str().unwrap(), "."];
    tool::run("tar", options.iter().chain(&place)).success();
    fs::rename(unfinished, archive).unwrap();
}

fn populate(rootfs: &Files) {
    let busybox = fs::read("/bin/busybox").expect("busybox-static is needed: make deps");
    rootfs
        .write("bin/busybox", busybox)
        .set_mode("bin/busybox", 0o755);
    let applets = tool::run("/bin/busybox", ["--list"]).success().stdout;
    for applet in applets.lines().filter(|name| *name != "busybox") {
        rootfs.symlink(&format!("bin/{applet}"), "busybox");
    }
    rootfs.write("etc/passwd", PASSWD).write("etc/group", GROUP);
    for dir in [
        "dev", "home/app", "proc", "root", "run", "sys", "tmp", "usr/bin", "var/tmp",
    ] {
        fs::create_dir_all(rootfs.path(dir)).unwrap();
    }
    rootfs.set_mode("tmp", 0o1777).set_mode("var/tmp", 0o1777);
}
