//! Files of an image without a mount: `ls`, `cat`, `cp`, beside what a mount and an archive show.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::support::{Files, TestEnv, listing, tool};

/// An image with something of every kind in it.
const ALL_KINDS: &str = "FROM base
RUN mkdir -p /d/sub/empty && echo one > /d/one && chown 5:6 /d/one && chmod 4751 /d/one && ln /d/one /d/sub/hard
RUN mkfifo /d/pipe && ln -s ../one /d/sub/soft && chown 5:6 /d/sub && chmod 1777 /d/sub
RUN rm /etc/group && touch -d '2001-02-03 04:05:06' '/d/a b'
";

fn built(text: &str) -> TestEnv {
    let env = TestEnv::with_base();
    env.build_text(text, &["-t", "app"]).success();
    env
}

fn mounted(env: &TestEnv, reference: &str) -> Files {
    let dir = env.run(["mount", reference]).success().stdout;
    Files::new(dir.trim().into())
}

#[test]
fn ls_agrees_with_a_mount() {
    let env = built(ALL_KINDS);
    let told = env.run(["ls", "-R", "app", "--format", "json"]).success();
    let told = tool::json(&told.stdout);
    let told = told.as_array().unwrap();
    let shown = listing::of(&mounted(&env, "app").path(""));
    assert_eq!(told.len(), shown.len());
    for entry in told {
        let path = entry["path"].as_str().unwrap();
        let expected = &shown[path];
        let mtime: jiff::Timestamp = entry["mtime"].as_str().unwrap().parse().unwrap();
        assert_eq!(entry["type"], expected.file_type, "{path}");
        assert_eq!(entry["mode"], format!("{:04o}", expected.mode), "{path}");
        assert_eq!(entry["uid"], expected.owner.0, "{path}");
        assert_eq!(entry["gid"], expected.owner.1, "{path}");
        assert_eq!(entry["size"], expected.size, "{path}");
        assert_eq!(mtime.as_second(), expected.mtime, "{path}");
        assert_eq!(
            entry["target"].as_str(),
            expected.target.as_deref(),
            "{path}"
        );
    }
}

#[test]
fn ls_agrees_with_an_exported_archive() {
    let env = TestEnv::with_base();
    env.iechorfile(ALL_KINDS);
    let archive = env.path("app.tar").display().to_string();
    let output = format!("type=tar,dest={archive}");
    env.build(&["-t", "app", "-o", &output]).success();
    let listed = tool::run("tar", ["-tf", &archive, "--quoting-style=literal"]).success();
    let mut in_archive: Vec<String> = listed
        .stdout
        .lines()
        .map(|path| format!("/{}", path.trim_start_matches("./").trim_end_matches('/')))
        .filter(|path| path != "/" && path != "/.")
        .collect();
    in_archive.sort();
    let told = env.run(["ls", "-R", "app:/"]).success().stdout;
    let mut told: Vec<&str> = told.lines().collect();
    told.sort_unstable();
    assert_eq!(told, in_archive);
}

#[test]
fn ls_shows_names_or_everything() {
    let env = built(ALL_KINDS);
    let names = env.run(["ls", "app:/d"]).success().stdout;
    assert_eq!(names, "a b\none\npipe\nsub\n");
    let long = env.run(["ls", "-l", "app:/d/sub"]).success().stdout;
    let lines: Vec<&str> = long.lines().collect();
    assert!(
        lines[0].starts_with("drwxr-xr-x") && lines[0].ends_with("empty"),
        "{long}"
    );
    assert!(
        lines[1].starts_with("-rwsr-x--x") && lines[1].contains(" 5:6 "),
        "{long}"
    );
    assert!(lines[2].ends_with("soft -> ../one"), "{long}");
    let dated = env.run(["ls", "-l", "app:/d/a b"]).success().stdout;
    assert!(dated.contains("0 2001-02-03 04:05:06 a b"), "{dated}");
    let other_forms = ["app:d", "app:latest:/d", "app:latest:d", "2:/d"];
    for location in other_forms {
        let listed = env.run(["ls", location]).success().stdout;
        assert!(listed.contains("one\n"), "{location}: {listed}");
    }
}

#[test]
fn cat_prints_the_bytes_and_follows_links_inside_the_image() {
    let env = built(ALL_KINDS);
    let shell = env.run(["cat", "app:/bin/sh"]).success().bytes;
    assert_eq!(shell, fs::read("/bin/busybox").unwrap());
    let linked = env.run(["cat", "app:/d/sub/soft"]).success().stdout;
    assert_eq!(linked, "one\n");
    let passwd = env
        .run(["cat", "app:/d/../../../etc/passwd"])
        .success()
        .stdout;
    assert!(
        passwd.contains("app:x:1000"),
        "not the image's file: {passwd}"
    );
}

#[test]
fn cp_takes_out_what_a_mount_shows() {
    let env = built(ALL_KINDS);
    let dest = env.path("taken");
    env.run(["cp", "app:/d", dest.to_str().unwrap()]).success();
    let shown = mounted(&env, "app");
    assert_eq!(listing::of(&dest), listing::of(&shown.path("d")));
    let taken = Files::new(dest);
    assert_eq!(taken.stat("one").ino(), taken.stat("sub/hard").ino());
    assert_eq!(taken.stat("").mtime(), shown.stat("d").mtime());
    let into = env.path("into");
    fs::create_dir(&into).unwrap();
    for name in ["/d/one", "/d/sub/soft", "/d/sub/hard"] {
        let location = format!("app:{name}");
        env.run(["cp", &location, into.to_str().unwrap()]).success();
    }
    let into = Files::new(into);
    assert_eq!((into.mode("one"), into.owner("one")), (0o4751, (5, 6)));
    assert_eq!(
        fs::read_link(into.path("soft")).unwrap().to_str(),
        Some("../one")
    );
    assert_eq!(into.list(""), ["hard", "one", "soft"]);
}

#[test]
fn cp_takes_out_the_whole_tree() {
    let env = built(ALL_KINDS);
    let dest = env.path("whole");
    env.run(["cp", "app:/", dest.to_str().unwrap()]).success();
    let shown = mounted(&env, "app");
    assert_eq!(listing::of(&dest), listing::of(&shown.path("")));
    env.run(["cp", "app:/", dest.to_str().unwrap()])
        .code(1)
        .says("exists");
}

#[test]
fn cp_overwrites_nothing_and_writes_through_no_link() {
    let env = built(ALL_KINDS);
    let here = Files::new(env.path("here"));
    here.write("there/kept", "kept").write("file", "mine");
    here.symlink("link", "there/kept")
        .symlink("dangling", "there/new");
    here.symlink("there/one", "../file");
    for dest in ["file", "link", "dangling", "there"] {
        let dest = here.path(dest);
        env.run(["cp", "app:/d/one", dest.to_str().unwrap()])
            .code(1)
            .says("exists");
    }
    let directory = here.path("link");
    env.run(["cp", "app:/d", directory.to_str().unwrap()])
        .code(1)
        .says("exists");
    assert_eq!(
        (here.read("file"), here.read("there/kept")),
        ("mine".into(), "kept".into())
    );
    assert_eq!(here.list(""), ["dangling", "file", "link", "there"]);
    assert_eq!(here.list("there"), ["kept", "one"]);
}

#[test]
fn what_is_not_there_is_told() {
    let env = built(ALL_KINDS);
    env.run(["ls", "nosuch:/etc"]).code(1).says("nosuch");
    env.run(["cat", "app"]).code(2).says("REF:PATH");
    env.run(["cat", "app:/no/such"])
        .code(1)
        .says("no /no/such in image app");
    env.run(["cat", "app:/etc/group"])
        .code(1)
        .says("/etc/group");
    env.run(["cat", "app:/d"]).code(1).says("is a directory");
    env.run(["cat", "app:/d/pipe"])
        .code(1)
        .says("not a regular file");
    env.run(["cat", "app:/d/one/under"])
        .code(1)
        .says("/d/one/under");
    let nowhere = env.path("no/such/dir").display().to_string();
    env.run(["cp", "app:/d/one", "-"])
        .code(2)
        .says(" cat app:/d/one` prints a file");
    env.run(["cp", "app:/d", &nowhere]).code(1).says("no/such");
    env.run(["cp", "app:/nothing", &nowhere])
        .code(1)
        .says("no /nothing");
    env.run(["ls"]).code(2).says("REF");
}

#[test]
fn an_ambiguous_prefix_lists_what_it_fits() {
    let env = TestEnv::with_base();
    let steps: String = (0..20).map(|n| format!("ENV N{n}={n}\n")).collect();
    env.build_text(&format!("FROM base\n{steps}"), &["-t", "app"])
        .success();
    let listed = env
        .run(["builder", "ls", "-q", "--no-trunc"])
        .success()
        .stdout;
    let first = |key: &str| key.trim_start_matches("sha256:")[..1].to_owned();
    let keys: Vec<String> = listed.lines().map(first).collect();
    // A single decimal digit would be a step's number.
    let twice = ["a", "b", "c", "d", "e", "f"]
        .into_iter()
        .find(|digit| keys.iter().filter(|key| key == digit).count() > 1);
    let Some(digit) = twice else {
        panic!("no two of 20 keys begin with the same letter: {keys:?}");
    };
    let location = format!("{digit}:/etc");
    env.run(["ls", &location])
        .code(1)
        .says("is ambiguous: it may be\n  ")
        .says("step ")
        .says(" ENV N")
        .says("context/iEchorfile:");
    env.run(["diff", digit, "app"]).code(1).says("ambiguous");
    for command in [["mount", digit].as_slice(), &["shell", digit, "--", "true"]] {
        let refused = env.run(command).code(1);
        refused.says("is ambiguous").says("step ");
    }
    for command in ["why", "diff-key"] {
        let both = ["builder", command, digit, digit];
        let asked = if command == "why" { &both[..3] } else { &both };
        env.run(asked).code(1).says("is ambiguous");
    }
}

/// The first digits that several mounts have in common.
fn common_to_two(ids: &[String]) -> Option<&str> {
    let digit = |id: &&String| ids.iter().filter(|other| other[..1] == id[..1]).count() > 1;
    ids.iter().find(digit).map(|id| &id[..1])
}

#[test]
fn an_ambiguous_mount_lists_the_mounts_that_it_fits() {
    let env = TestEnv::with_base();
    let mut ids = Vec::new();
    // Of 17 ids two begin with the same of 16 digits.
    while common_to_two(&ids).is_none() {
        env.run(["mount", "--rw", "base"]).success();
        let listed = env.run(["mounts", "-q", "--no-trunc"]).success().stdout;
        ids = listed.lines().map(str::to_owned).collect();
    }
    let digit = common_to_two(&ids).unwrap();
    let fitting = || ids.iter().filter(|id| id.starts_with(digit));
    for command in ["commit", "umount"] {
        let refused = env.run([command, digit]).code(1);
        let refused = refused.says("is ambiguous");
        fitting().fold(refused, |refused, id| refused.says(id));
    }
    env.run(["umount", "--all"]).success();
}
