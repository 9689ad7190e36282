//! What differs between images, steps and directories, beside a comparison of two mounts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::Value;

use crate::support::listing::{self, Listed};
use crate::support::{TestEnv, tool};

const ONE: &str = "FROM base
RUN mkdir -p /d/deep/er /kept /moved/in && echo 1 > /d/file && echo 2 > /d/deep/er/x && ln -s a /d/link
RUN echo same > /kept/same && echo m > /moved/in/file && echo gone > /gone && mkfifo /d/becomes
";
const TWO: &str = "FROM base
RUN mkdir -p /d/deep/er /kept /moved/in && echo 1 > /d/file && echo 2 > /d/deep/er/x && ln -s a /d/link
RUN echo same > /kept/same && echo m > /moved/in/file && echo gone > /gone && mkfifo /d/becomes
RUN rm /gone && chmod 600 /d/file && chown 7:8 /d/deep && ln -sf bb /d/link && touch /kept/new
RUN rm -r /d/deep && mkdir /d/deep && echo 3 > /d/deep/new && mv /moved /elsewhere
RUN rm /d/becomes && mkdir /d/becomes && echo in > /d/becomes/in && echo more >> /kept/same
";

/// Path to what happened, and in what it differs.
pub(super) type Told = BTreeMap<String, (String, BTreeSet<String>)>;

pub(super) fn told(env: &TestEnv, before: &str, after: &str) -> Told {
    let output = env
        .run(["diff", before, after, "--format", "json"])
        .success();
    let changes = tool::json(&output.stdout);
    changes.as_array().unwrap().iter().map(change).collect()
}

fn change(change: &Value) -> (String, (String, BTreeSet<String>)) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let differs = change["differs"].as_array().unwrap().iter().map(text);
    (
        text(&change["path"]),
        (text(&change["change"]), differs.collect()),
    )
}

/// The same from two listings.
pub(super) fn compared(
    before: &BTreeMap<String, Listed>,
    after: &BTreeMap<String, Listed>,
) -> Told {
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let what = |path: &String| match (before.get(path), after.get(path)) {
        (Some(_), None) => Some(("deleted".to_owned(), BTreeSet::new())),
        (None, Some(_)) => Some(("added".to_owned(), BTreeSet::new())),
        (Some(one), Some(other)) => {
            let differs = differing(one, other);
            (!differs.is_empty()).then(|| ("modified".to_owned(), differs))
        }
        (None, None) => None,
    };
    paths
        .into_iter()
        .filter_map(|path| Some((path.clone(), what(path)?)))
        .collect()
}

fn differing(one: &Listed, other: &Listed) -> BTreeSet<String> {
    let same_type = one.file_type == other.file_type;
    let file = same_type && one.file_type == "file";
    let timed = one.file_type != "directory" && other.file_type != "directory";
    let aspects = [
        ("type", !same_type),
        ("content", file && one.contents != other.contents),
        ("size", file && one.size != other.size),
        ("target", same_type && one.target != other.target),
        ("mode", one.mode != other.mode),
        ("owner", one.owner != other.owner),
        ("mtime", timed && one.mtime != other.mtime),
    ];
    let differing = aspects.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(aspect, _)| aspect.to_owned()).collect()
}

/// Both images, the second built on the layers of the first.
fn two_images() -> TestEnv {
    let env = TestEnv::with_base();
    env.build_text(ONE, &["-t", "one"]).success();
    env.build_text(TWO, &["-t", "two"]).success();
    env
}

fn listed(env: &TestEnv, reference: &str) -> BTreeMap<String, Listed> {
    let dir = env.run(["mount", reference]).success().stdout;
    listing::of(dir.trim().as_ref())
}

#[test]
fn images_that_share_layers_differ_as_their_mounts_do() {
    let env = two_images();
    let (one, two) = (listed(&env, "one"), listed(&env, "two"));
    let expected = compared(&one, &two);
    assert!(expected.len() > 12, "{expected:?}");
    // `lstat` gives whole seconds here, we compare nanoseconds.
    assert_eq!(
        without_mtime(told(&env, "one", "two")),
        without_mtime(expected)
    );
    let back = compared(&two, &one);
    assert_eq!(without_mtime(told(&env, "two", "one")), without_mtime(back));
}

#[test]
fn branches_of_one_base_differ_as_their_mounts_do() {
    let env = two_images();
    let text = "FROM base\nRUN rm -r /home && echo file > /d && mkdir /gone && chmod 711 /etc\n";
    env.build_text(text, &["-t", "three"]).success();
    for (before, after) in [("one", "three"), ("three", "two")] {
        let expected = compared(&listed(&env, before), &listed(&env, after));
        let told = told(&env, before, after);
        assert_eq!(
            without_mtime(told),
            without_mtime(expected),
            "{before} and {after}"
        );
    }
}

pub(super) fn without_mtime(told: Told) -> Told {
    let changes = told.into_iter().map(|(path, (change, mut differs))| {
        differs.remove("mtime");
        (path, (change, differs))
    });
    let is_told =
        |change: &(String, BTreeSet<String>)| change.0 != "modified" || !change.1.is_empty();
    changes.filter(|(_, change)| is_told(change)).collect()
}

#[test]
fn images_without_a_common_layer_differ_as_their_mounts_do() {
    let env = two_images();
    env.context()
        .write("a/b", "b")
        .write("etc/passwd", "nobody\n");
    env.build_text("FROM scratch\nCOPY . /\n", &["-t", "three"])
        .success();
    let expected = compared(&listed(&env, "two"), &listed(&env, "three"));
    assert_eq!(
        without_mtime(told(&env, "two", "three")),
        without_mtime(expected)
    );
}

#[test]
fn what_is_equal_has_no_difference() {
    let env = two_images();
    assert_eq!(told(&env, "one", "one"), Told::new());
    assert_eq!(env.run(["diff", "two", "two"]).success().stdout, "");
    let summary = env.run(["diff", "two", "0", "--stat"]).success().stdout;
    assert_eq!(summary, "0 added, 0 modified, 0 deleted; 0B -> 0B\n");
}

#[test]
fn lines_tell_old_and_new() {
    let env = two_images();
    let text = env.run(["diff", "one", "two"]).success().stdout;
    let line = |path: &str| {
        let found = text
            .lines()
            .find(|line| line.split("  ").next() == Some(path));
        found.unwrap_or_else(|| panic!("no line of {path}:\n{text}"))
    };
    assert_eq!(line("D /gone"), "D /gone  size 5, mode 0644, owner 0:0");
    assert_eq!(
        line("A /kept/new"),
        "A /kept/new  size 0, mode 0644, owner 0:0"
    );
    assert_eq!(
        line("A /elsewhere"),
        "A /elsewhere  type d, mode 0755, owner 0:0"
    );
    assert_eq!(line("M /d/file"), "M /d/file  mode 0644 -> 0600");
    assert!(line("M /d/link").contains("target a -> bb"), "{text}");
    assert!(line("M /d/becomes").contains("type p -> d"), "{text}");
    assert!(
        line("M /kept/same").contains("content, size 5 -> 10"),
        "{text}"
    );
    assert!(
        !text.contains("/etc/passwd") && !text.contains("/bin"),
        "{text}"
    );
    let summary = env
        .run(["diff", "one", "two", "--stat", "--format", "ndjson"])
        .success();
    let summary = tool::json(&summary.stdout);
    let count = |letter: &str| text.lines().filter(|line| line.starts_with(letter)).count();
    assert_eq!(summary["added"], count("A"));
    assert_eq!(summary["modified"], count("M"));
    assert_eq!(summary["deleted"], count("D"));
}

#[test]
fn attributes_are_told_by_name_and_value() {
    let env = TestEnv::new();
    let sides = ["one", "two"].map(|name| {
        let side = env.path(name);
        fs::create_dir(&side).unwrap();
        fs::write(side.join("file"), "").unwrap();
        side
    });
    let set = |file: &std::path::Path, attribute: &str, value: &str| {
        let args = ["-n", attribute, "-v", value, file.to_str().unwrap()];
        tool::run("setfattr", args).success();
    };
    let [one, two] = &sides;
    set(&one.join("file"), "user.a", "1");
    set(&two.join("file"), "user.a", "2");
    set(&two.join("file"), "user.b", "0x00ff");
    fs::write(two.join("new"), "").unwrap();
    set(&two.join("new"), "user.c", "x");
    let sides = [one, two].map(|side| side.display().to_string());
    let text = env.run(["diff", &sides[0], &sides[1]]).success().stdout;
    assert!(
        text.contains("xattr user.a 1 -> 2, xattr user.b unset -> 0x00ff"),
        "{text}"
    );
    assert!(text.contains(", owner 0:0, xattr user.c=x\n"), "{text}");
}

#[test]
fn a_directory_of_the_host_is_compared_file_by_file() {
    let env = TestEnv::with_base();
    let out = env.export_text(ONE, &["-t", "one"]);
    let dir = out.path("").display().to_string();
    assert_eq!(told(&env, "one", &dir), Told::new());
    let time = fs::metadata(out.path("d/file"))
        .unwrap()
        .modified()
        .unwrap();
    fs::write(out.path("d/file"), "2\n").unwrap();
    let file = fs::File::open(out.path("d/file")).unwrap();
    file.set_times(fs::FileTimes::new().set_modified(time))
        .unwrap();
    fs::set_permissions(out.path("kept"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::remove_file(out.path("gone")).unwrap();
    symlink("nowhere", out.path("dangling")).unwrap();
    let changed = |change: &str, differs: &[&str]| {
        (
            change.to_owned(),
            differs.iter().map(ToString::to_string).collect(),
        )
    };
    let expected = [
        ("/d/file", changed("modified", &["content"])),
        ("/dangling", changed("added", &[])),
        ("/gone", changed("deleted", &[])),
        ("/kept", changed("modified", &["mode"])),
    ];
    let expected: Told = expected
        .map(|(path, change)| (path.to_owned(), change))
        .into();
    assert_eq!(told(&env, "one", &format!("dir:{dir}")), expected);
    assert_eq!(told(&env, &dir, &dir), Told::new());
}

#[test]
fn what_cannot_be_compared_is_told() {
    let env = TestEnv::with_base();
    env.run(["diff", "base", "nosuch"]).code(1).says("nosuch");
    env.run(["diff", "base", "/no/such/dir"])
        .code(1)
        .says("/no/such/dir is not a directory");
    env.run(["diff", "dir:/etc/passwd", "base"])
        .code(1)
        .says("not a directory");
    env.run(["diff", "base"]).code(2).says("<B>");
}
