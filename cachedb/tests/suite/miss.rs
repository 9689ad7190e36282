//! C20: every miss says why, one test a reason, old value and new.

use std::collections::BTreeMap;

use iechor_cachedb::{
    ContextDigest, FileFact, FileKind, FileSet, FileTime, Hint, Input, MissReason, Recipe, Record,
    Stamp, UnixMillis,
};

use crate::support::{TestDb, digest, directory, file, from, place, run, snapshot, step};

/// 12:03:11 on 2026-11-22, UTC.
const MORNING: i64 = 20_779 * 86_400 + 43_391;

/// What a miss says when `old` is cached on a base and `new` is asked for.
fn why(old: Vec<Input>, new: Vec<Input>) -> String {
    let t = TestDb::new();
    let base = t.base();
    t.add(Some(&base), &copy(&base, old), &place(1));
    t.why(Some(&base), &copy(&base, new), &place(1))
}

fn copy(base: &Record, inputs: Vec<Input>) -> Recipe {
    step(Some(base), "COPY", ". /app", inputs)
}

fn files(files: Vec<FileFact>) -> Vec<Input> {
    vec![Input::files(
        ".",
        FileSet::new(ContextDigest::Metadata, files),
    )]
}

fn why_file(old: FileFact, new: FileFact) -> String {
    why(files(vec![old]), files(vec![new]))
}

fn properties(of: &[(&str, &str)]) -> BTreeMap<String, String> {
    of.iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn c12_an_argument_changed_came_or_went() {
    let arg = |value| vec![Input::arg("CACHEBUST", value)];
    assert_eq!(why(arg("1"), arg("2")), "ARG CACHEBUST 1 -> 2");
    assert_eq!(why(arg("1"), arg("")), "ARG CACHEBUST 1 -> \"\"");
    assert_eq!(why(vec![], arg("2")), "ARG CACHEBUST unset -> 2");
    assert_eq!(why(arg("1"), vec![]), "ARG CACHEBUST 1 -> unset");
}

#[test]
fn c13_what_is_in_force_changed() {
    let force = |user, dir| vec![Input::user(user), Input::workdir(dir), Input::env("A", "x")];
    assert_eq!(
        why(force("root", "/"), force("app", "/")),
        "USER root -> app"
    );
    assert_eq!(
        why(force("root", "/"), force("root", "/srv")),
        "WORKDIR / -> /srv"
    );
    assert_eq!(
        why(
            vec![Input::platform("linux/amd64")],
            vec![Input::platform("linux/arm64")]
        ),
        "platform linux/amd64 -> linux/arm64"
    );
    assert_eq!(
        why(vec![Input::shell("[\"a\"]")], vec![Input::shell("[\"b\"]")]),
        "SHELL [\"a\"] -> [\"b\"]"
    );
    assert_eq!(
        why(vec![Input::env("A", "x")], vec![Input::env("A", "y")]),
        "ENV A x -> y"
    );
}

#[test]
fn c4_a_file_changed_in_any_of_its_properties() {
    let old = || file("src/app.c", 10, MORNING);
    let changed = |change: fn(&mut FileFact)| {
        let mut new = old();
        change(&mut new);
        why_file(old(), new)
    };
    assert_eq!(
        why_file(old(), file("src/app.c", 10, MORNING + 269)),
        "src/app.c mtime 12:03:11 -> 12:07:40"
    );
    assert_eq!(changed(|new| new.size = 12), "src/app.c size 10 -> 12");
    assert_eq!(
        changed(|new| new.mode = 0o755),
        "src/app.c mode 0644 -> 0755"
    );
    assert_eq!(changed(|new| new.uid = 7), "src/app.c owner 0:0 -> 7:0");
    assert_eq!(changed(|new| new.gid = 8), "src/app.c owner 0:0 -> 0:8");
    assert_eq!(
        changed(|new| new.rdev = 0x103),
        "src/app.c device 0x0 -> 0x103"
    );
    assert_eq!(
        changed(|new| new.kind = FileKind::Fifo),
        "src/app.c type file -> named pipe"
    );
    assert_eq!(
        changed(|new| new.target = b"x".to_vec()),
        "src/app.c link \"\" -> x"
    );
}

#[test]
fn c4_of_several_changed_files_the_first_is_named_and_the_rest_are_counted() {
    let set = |time| files(["a", "b", "c"].map(|path| file(path, 1, time)).to_vec());
    assert_eq!(
        why(set(MORNING), set(MORNING + 1)),
        "a mtime 12:03:11 -> 12:03:12 (and 2 more files)"
    );
}

#[test]
fn c4_files_came_and_went() {
    let some = || vec![file("main.c", 1, 1)];
    let more = |paths: &[&str]| {
        let mut all = some();
        all.extend(paths.iter().map(|path| file(path, 1, 1)));
        files(all)
    };
    let web = &["web/a.js", "web/b.js", "web/lib/c.js"];
    assert_eq!(
        why(files(some()), more(web)),
        "3 files added under web/ (web/a.js, ...)"
    );
    assert_eq!(
        why(more(web), files(some())),
        "3 files removed under web/ (web/a.js, ...)"
    );
    assert_eq!(
        why(files(some()), more(&["a", "web/b"])),
        "2 files added (a, ...)"
    );
    assert_eq!(why(files(some()), more(&["web/b"])), "file added: web/b");
    assert_eq!(why(more(&["web/b"]), files(some())), "file removed: web/b");
}

#[test]
fn c4_directories_of_new_files_are_not_counted_but_empty_ones_are() {
    let with = |extra: Vec<FileFact>| files([vec![file("a", 1, 1)], extra].concat());
    let new = with(vec![directory("web"), file("web/a.js", 1, 1)]);
    assert_eq!(why(with(vec![]), new), "file added: web/a.js");
    assert_eq!(
        why(with(vec![]), with(vec![directory("empty")])),
        "file added: empty"
    );
}

#[test]
fn c6_contents_and_the_mode_itself() {
    let content = |of: &str| {
        let stamp = Stamp::Content(digest(of));
        let fact = FileFact {
            stamp,
            ..file("a.c", 1, 1)
        };
        vec![Input::files(
            ".",
            FileSet::new(ContextDigest::Content, vec![fact]),
        )]
    };
    let (x, y) = (digest("x").short(), digest("y").short());
    assert_eq!(
        why(content("x"), content("y")),
        format!("a.c content sha256:{x} -> sha256:{y}")
    );
    assert_eq!(
        why(files(vec![file("a.c", 1, 1)]), content("x")),
        "--context-digest metadata -> content"
    );
}

#[test]
fn c7_and_c18_digests_are_shown_short_with_what_they_are_of() {
    let t = TestDb::new();
    t.base();
    let (one, two) = (digest("one").short(), digest("two").short());
    assert_eq!(
        t.why(None, &from("debian:12", "two"), &place(0)),
        format!("base debian:12 sha256:{one} -> sha256:{two}")
    );
    assert_eq!(
        t.why(None, &from("debian:13", "two"), &place(0)),
        format!("base debian:12 sha256:{one} -> debian:13 sha256:{two}")
    );
    let stage = |of: &str| {
        vec![Input::stage(
            "build",
            iechor_cachedb::CacheKey::new(digest(of)),
        )]
    };
    assert_eq!(
        why(stage("one"), stage("two")),
        format!("stage build sha256:{one} -> sha256:{two}")
    );
}

#[test]
fn c18_the_same_digest_under_another_tag_is_a_hit() {
    let t = TestDb::new();
    let base = t.base();
    let retagged = from("debian:bookworm", "one");
    assert_eq!(
        t.db.lookup(None, &retagged.key()).unwrap().unwrap().id,
        base.id
    );
}

#[test]
fn c15_and_c16_mounts_changed_came_and_went() {
    let secret = |of: &[(&str, &str)]| vec![Input::secret("npm", properties(of))];
    let old = || secret(&[("target", "/run/secrets/npm"), ("mode", "0400")]);
    assert_eq!(
        why(
            old(),
            secret(&[("target", "/root/.npmrc"), ("mode", "0400")])
        ),
        "secret npm target /run/secrets/npm -> /root/.npmrc"
    );
    assert_eq!(
        why(old(), secret(&[("target", "/run/secrets/npm")])),
        "secret npm mode 0400 -> unset"
    );
    assert_eq!(why(vec![], old()), "secret npm added");
    assert_eq!(why(old(), vec![]), "secret npm removed");
    let cache = |sharing| {
        vec![Input::mount(
            "cache",
            "/c",
            properties(&[("sharing", sharing)]),
        )]
    };
    assert_eq!(
        why(cache("shared"), cache("locked")),
        "cache mount /c sharing shared -> locked"
    );
}

#[test]
fn c2_the_instruction_at_the_same_place_changed() {
    let t = TestDb::new();
    let base = t.base();
    t.run(&base, "echo a");
    let new = run(Some(&base), "echo b", vec![]);
    assert_eq!(
        t.why(Some(&base), &new, &place(1)),
        "instruction changed: \"RUN echo a\" -> \"RUN echo b\""
    );
}

#[test]
fn inputs_in_another_order_are_told_apart_from_changed_ones() {
    let pair = |a, b| vec![Input::arg(a, "1"), Input::arg(b, "1")];
    assert_eq!(
        why(pair("A", "B"), pair("B", "A")),
        "inputs in another order"
    );
}

#[test]
fn nothing_to_compare_with_is_said_so() {
    let t = TestDb::new();
    let base = t.base();
    let child = run(Some(&base), "make", vec![]);
    assert_eq!(
        t.why(Some(&base), &child, &place(1)),
        "first time on this parent"
    );
    assert_eq!(
        t.why(None, &from("alpine", "x"), &place(9)),
        "first time on this parent"
    );
}

#[test]
fn the_build_before_is_compared_with_when_the_parent_is_new() {
    let t = TestDb::new();
    let old_base = t.base();
    let old = t.run(&old_base, "echo a");
    let base = t.add(None, &from("debian:12", "two"), &place(0));
    let hint = |fallback| Hint {
        place: &old.place,
        fallback,
        now: UnixMillis(0),
    };
    let new = run(Some(&base), "echo b", vec![]);
    let told =
        t.db.explain(Some(base.id), &new, &hint(Some(old.id)))
            .unwrap();
    assert_eq!(
        told.first().to_string(),
        "instruction changed: \"RUN echo a\" -> \"RUN echo b\""
    );
    assert_eq!(told.sibling, Some(old.id));
    let same = run(Some(&base), "echo a", vec![]);
    let told =
        t.db.explain(Some(base.id), &same, &hint(Some(old.id)))
            .unwrap();
    assert_eq!(told.first(), &MissReason::FirstOnParent);
}

#[test]
fn the_nearest_of_several_siblings_is_compared_with() {
    let t = TestDb::new();
    let base = t.base();
    let args = |a, b, c| vec![Input::arg("A", a), Input::arg("B", b), Input::arg("C", c)];
    let near = t.add(
        Some(&base),
        &run(Some(&base), "make", args("1", "1", "1")),
        &place(1),
    );
    t.add(
        Some(&base),
        &run(Some(&base), "make", args("9", "9", "9")),
        &place(1),
    );
    t.add(
        Some(&base),
        &run(Some(&base), "test", args("1", "1", "2")),
        &place(1),
    );
    let new = run(Some(&base), "make", args("1", "1", "2"));
    let hint = Hint {
        place: &place(1),
        fallback: None,
        now: UnixMillis(0),
    };
    let told = t.db.explain(Some(base.id), &new, &hint).unwrap();
    assert_eq!(
        (told.sibling, told.first().to_string()),
        (Some(near.id), "ARG C 1 -> 2".into())
    );
}

#[test]
fn c17_what_was_pruned_is_remembered_until_it_is_made_anew() {
    use crate::support::{Sizes, nothing_leased};
    let t = TestDb::new();
    let base = t.base();
    let made = t.run(&base, "make");
    let view = nothing_leased(UnixMillis(0));
    let plan =
        t.db.prunable(&crate::support::prune_all())
            .unwrap()
            .plan(view, &mut Sizes::of(1));
    t.db.apply_gc(&plan, view).unwrap();
    let remembered = || t.db.pruned_by_prefix(&made.key.short()).unwrap();
    assert_eq!(remembered(), Some(view.now));
    assert_eq!(t.db.pruned_by_prefix("no digits").unwrap(), None);
    let recipe = from("debian:12", "one");
    let hint = Hint {
        place: &place(0),
        fallback: None,
        now: UnixMillis(2 * 3_600_000),
    };
    let told = t.db.explain(None, &recipe, &hint).unwrap();
    assert_eq!(told.first().to_string(), "pruned 2 h ago");
    let base = t.base();
    assert_eq!(
        t.why(None, &from("debian:12", "two"), &place(0))
            .split(' ')
            .next(),
        Some("base")
    );
    let again = t.run(&base, "make");
    assert_eq!((again.key, remembered()), (made.key, None));
    assert_eq!(made.snapshot, Some(snapshot(&again.key.hex())));
}

#[test]
fn what_only_the_engine_knows_reads_like_the_rest() {
    let told = |reason: MissReason| reason.to_string();
    assert_eq!(
        told(MissReason::FollowsStep { step: "4".into() }),
        "follows step 4"
    );
    assert_eq!(told(MissReason::NoCache), "--no-cache");
    let filter = MissReason::NoCacheFilter {
        stage: "install".into(),
    };
    assert_eq!(told(filter), "--no-cache-filter install");
    assert_eq!(told(MissReason::Pruned { ago_ms: 5 }), "pruned just now");
}

#[test]
fn times_are_shown_where_the_reader_is() {
    let (old, new) = (MORNING, MORNING + 1);
    let time = |secs| FileTime { secs, nanos: 0 };
    let change = iechor_cachedb::miss::FileChange::Mtime {
        old: time(old),
        new: time(new),
    };
    let reason = MissReason::FileChanged {
        path: "a".into(),
        change,
        more: 0,
    };
    assert_eq!(
        reason.in_zone(3600).to_string(),
        "a mtime 13:03:11 -> 13:03:12"
    );
}

#[test]
fn a_reason_has_a_json_form() {
    let reason = MissReason::ValueChanged {
        name: "ARG A".into(),
        old: None,
        new: Some("1".into()),
    };
    assert_eq!(
        serde_json::to_string(&reason).unwrap(),
        r#"{"reason":"value_changed","name":"ARG A","old":null,"new":"1"}"#
    );
}
