//! COPY and ADD.

use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::process::Command;

use crate::support::{TestEnv, tool};

#[test]
fn files_directories_and_wildcards() {
    let env = TestEnv::with_base();
    let context = env.context();
    context
        .write("a.txt", "a")
        .write("b.txt", "b")
        .write("c.md", "c")
        .write("dir/deep/d", "d");
    let out = env.export_text(
        "FROM scratch\nCOPY a.txt /one\nCOPY *.txt /many/\nCOPY dir /copied\nCOPY [\"c.md\", \"/with space/\"]\n\
         COPY [a-b].t?t /class/\n",
        &[],
    );
    assert_eq!(out.read("one"), "a");
    assert_eq!(out.list("many"), ["a.txt", "b.txt"]);
    assert_eq!(out.read("copied/deep/d"), "d");
    assert_eq!(out.read("with space/c.md"), "c");
    assert_eq!(out.list("class"), ["a.txt", "b.txt"]);
}

#[test]
fn a_wildcard_beside_other_sources_may_match_nothing() {
    let env = TestEnv::new();
    env.context().write("package.json", "{}");
    let out = env.export_text(
        "FROM scratch\nCOPY package.json package-lock.json* /app/\n",
        &[],
    );
    assert_eq!(out.list("app"), ["package.json"]);
}

#[test]
fn a_slash_at_the_end_makes_a_directory() {
    let env = TestEnv::with_base();
    env.context().write("a", "a").write("b", "b");
    let out = env.export_text("FROM scratch\nCOPY a /x/\nCOPY a /y\n", &[]);
    assert_eq!(
        (out.read("x/a").as_str(), out.read("y").as_str()),
        ("a", "a")
    );
    let failed = env.build_text("FROM scratch\nCOPY a b /dest\n", &[]);
    assert!(failed.stderr.contains('/'), "{}", failed.transcript());
    failed.code(3).says("iEchorfile:2");
}

#[test]
fn owners_and_modes() {
    let env = TestEnv::with_base();
    env.context()
        .write("a", "a")
        .set_mode("a", 0o640)
        .write("d/x", "x")
        .set_mode("d/x", 0o644);
    let out = env.export_text(
        "FROM base\nCOPY a /plain\nCOPY --chown=app:extra a /named\nCOPY --chown=5:6 a /numbered\n\
         COPY --chmod=751 a /octal\nCOPY --chmod=u=rwX,go=rX d /symbolic\nCOPY --chown=app a /user\n",
        &[],
    );
    assert_eq!((out.owner("plain"), out.mode("plain")), ((0, 0), 0o640));
    assert_eq!(out.owner("named"), (1000, 2000));
    assert_eq!(out.owner("numbered"), (5, 6));
    assert_eq!(out.owner("user"), (1000, 1000));
    assert_eq!(out.mode("octal"), 0o751);
    assert_eq!(out.mode("symbolic/x"), 0o644);
}

#[test]
fn an_unknown_owner_is_named() {
    let env = TestEnv::with_base();
    env.context().write("a", "a");
    let failed = env.build_text("FROM base\nCOPY --chown=nosuchuser a /a\n", &[]);
    failed.code(1).says("nosuchuser");
}

#[test]
fn from_a_stage_by_name_and_by_index_and_from_an_image() {
    let env = TestEnv::with_base();
    let out = env.export_text(
        "FROM base AS first\nRUN echo 1 > /made\nFROM scratch\nCOPY --from=first /made /name\n\
         COPY --from=0 /made /index\nCOPY --from=base /etc/passwd /image\n",
        &[],
    );
    assert_eq!(
        (out.read("name").as_str(), out.read("index").as_str()),
        ("1\n", "1\n")
    );
    assert!(out.read("image").contains("app:x:1000"));
}

#[test]
fn from_a_named_context() {
    let env = TestEnv::new();
    let other = crate::support::Files::new(env.path("other"));
    other.write("lib/x.h", "x");
    let named = format!("third={}", env.path("other").display());
    let out = env.export_text(
        "FROM scratch\nCOPY --from=third lib /lib\n",
        &["--build-context", &named],
    );
    assert_eq!(out.read("lib/x.h"), "x");
}

#[test]
fn excluded_and_parents() {
    let env = TestEnv::new();
    env.context()
        .write("src/a.c", "")
        .write("src/a.o", "")
        .write("src/deep/b.o", "")
        .write("src/deep/b.c", "");
    let out = env.export_text(
        "FROM scratch\nCOPY --exclude=**/*.o src /excluded\nCOPY --parents src/deep/b.c src/./deep/b.o /p/\n",
        &[],
    );
    assert_eq!(out.list("excluded"), ["a.c", "deep"]);
    assert_eq!(out.list("excluded/deep"), ["b.c"]);
    assert!(out.has("p/src/deep/b.c") && out.has("p/deep/b.o"));
}

#[test]
fn link_does_not_depend_on_what_is_below() {
    let env = TestEnv::with_base();
    env.context().write("a", "a");
    let text =
        |below: &str| format!("FROM base\nRUN echo {below} > /below\nCOPY --link a /opt/a\n");
    assert_eq!(env.export_text(&text("one"), &[]).read("opt/a"), "a");
    env.iechorfile(&text("two"));
    let out = env.export(&[]);
    assert_eq!(
        (out.read("opt/a").as_str(), out.read("below").as_str()),
        ("a", "two\n")
    );
}

#[test]
fn archives_are_unpacked_by_add_and_not_by_copy() {
    let env = TestEnv::new();
    let context = env.context();
    context.write("tree/inside", "inside");
    let tree = context.path("tree").display().to_string();
    for (name, flag) in [
        ("a.tar", "-c"),
        ("a.tgz", "-cz"),
        ("a.tar.bz2", "-cj"),
        ("a.tar.xz", "-cJ"),
    ] {
        let archive = context.path(name).display().to_string();
        tool::run("tar", ["-C", &tree, flag, "-f", &archive, "inside"]).success();
    }
    let zstd = format!(
        "zstd -q {0}/a.tar -o {0}/a.tar.zst",
        context.path("").display()
    );
    tool::run("sh", ["-c", &zstd]).success();
    let out = env.export_text(
        "FROM scratch\nADD a.tar /tar/\nADD a.tgz /gz/\nADD a.tar.bz2 /bz2/\nADD a.tar.xz /xz/\n\
         ADD a.tar.zst /zst/\nCOPY a.tgz /copied/\nADD --unpack=false a.tgz /kept/\n",
        &[],
    );
    for dir in ["tar", "gz", "bz2", "xz", "zst"] {
        assert_eq!(out.read(&format!("{dir}/inside")), "inside");
    }
    assert_eq!(out.list("copied"), ["a.tgz"]);
    assert_eq!(out.list("kept"), ["a.tgz"]);
}

#[test]
fn ignore_files_follow_dockers_rules() {
    let env = TestEnv::new();
    let context = env.context();
    context
        .write("a.log", "")
        .write("keep.log", "")
        .write("src/x.o", "")
        .write("src/x.c", "");
    context
        .write("node_modules/m", "")
        .write("deep/node_modules/m", "");
    context.write(
        ".dockerignore",
        "# comment\n*.log\n!keep.log\n**/*.o\n/node_modules\n",
    );
    let out = env.export_text("FROM scratch\nCOPY . /all/\n", &[]);
    assert!(
        out.has("all/keep.log") && out.has("all/src/x.c") && out.has("all/deep/node_modules/m")
    );
    assert!(!out.has("all/a.log") && !out.has("all/src/x.o") && !out.has("all/node_modules"));
    context.write("iEchorfile.iechorignore", "src\n");
    let out = env.export(&[]);
    assert!(
        out.has("all/a.log") && !out.has("all/src"),
        "the file's own ignore file alone counts"
    );
}

#[test]
fn odd_files_survive() {
    let env = TestEnv::new();
    let context = env.context();
    context
        .write("a", "same")
        .symlink("link", "a")
        .symlink("dangling", "/nowhere");
    std::fs::hard_link(context.path("a"), context.path("hard")).unwrap();
    let fifo = context.path("pipe").display().to_string();
    tool::run("mkfifo", [&fifo]).success();
    let attributed = context.path("a").display().to_string();
    tool::run("setfattr", ["-n", "user.note", "-v", "kept", &attributed]).success();
    let sparse = context.path("sparse").display().to_string();
    tool::run("truncate", ["-s", "10M", &sparse]).success();
    context.set_mtime("a", 1_234_567_890);
    let out = env.export_text("FROM scratch\nCOPY . /c/\n", &[]);
    assert_eq!(out.stat("c/a").mtime(), 1_234_567_890);
    assert_eq!(out.stat("c/a").ino(), out.stat("c/hard").ino());
    assert_eq!(
        std::fs::read_link(out.path("c/link")).unwrap().to_str(),
        Some("a")
    );
    assert_eq!(
        std::fs::read_link(out.path("c/dangling")).unwrap().to_str(),
        Some("/nowhere")
    );
    assert!(out.stat("c/pipe").file_type().is_fifo());
    assert_eq!(out.stat("c/sparse").size(), 10 << 20);
    let copied = out.path("c/a").display().to_string();
    let note = Command::new("getfattr")
        .args(["--only-values", "-n", "user.note", &copied])
        .output();
    assert_eq!(note.unwrap().stdout, b"kept");
}

#[test]
fn a_url_is_fetched_and_its_checksum_compared() {
    let env = TestEnv::new();
    let web = crate::support::web::Web::start("payload", "v1");
    let url = web.url("file.txt");
    let sum = "sha256:239f59ed55e737c77147cf55ad0c1b030b6d7ee748a7426952f9b852d5a935e5";
    let out = env.export_text(
        &format!("FROM scratch\nADD --checksum={sum} {url} /dir/\n"),
        &[],
    );
    assert_eq!(out.read("dir/file.txt"), "payload");
    let wrong = sum.replace("239f", "0000");
    let text = format!("FROM scratch\nADD --checksum={wrong} {url} /dir/\n");
    env.build_text(&text, &[]).code(4).says("239f59ed");
}
