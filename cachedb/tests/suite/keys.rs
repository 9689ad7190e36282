//! Keys: the encoding never changes by accident, and different recipes have different keys.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use iechor_cachedb::{
    CacheKey, ContextDigest, FileFact, FileKind, FileSet, FileTime, Input, InputValue, Recipe,
    Rule, Stamp,
};
use proptest::prelude::*;

use crate::support::{digest, directory, file, from, step};

/// Recipes that between them have every form of input.
fn vectors() -> Vec<(&'static str, Recipe)> {
    let parent = CacheKey::new(digest("parent"));
    let on_parent = |kind, text, inputs| Recipe {
        parent: Some(parent),
        ..step(None, kind, text, inputs)
    };
    let properties: BTreeMap<_, _> = [
        ("mode".to_owned(), "0400".to_owned()),
        ("target".to_owned(), "/t".to_owned()),
    ]
    .into();
    vec![
        ("from", from("debian:12", "one")),
        ("run", on_parent("RUN", "make", vec![])),
        (
            "run with argument",
            on_parent("RUN", "make", vec![Input::arg("A", "1")]),
        ),
        (
            "run with empty argument",
            on_parent("RUN", "make", vec![Input::arg("A", "")]),
        ),
        (
            "run with secret",
            on_parent("RUN", "make", vec![Input::secret("s", properties.clone())]),
        ),
        (
            "run with cache",
            on_parent("RUN", "make", vec![Input::mount("cache", "/c", properties)]),
        ),
        (
            "copy from stage",
            on_parent("COPY", "--from=b x y", vec![Input::stage("b", parent)]),
        ),
        (
            "copy by metadata",
            on_parent("COPY", ". /", vec![files(ContextDigest::Metadata)]),
        ),
        (
            "copy by content",
            on_parent("COPY", ". /", vec![files(ContextDigest::Content)]),
        ),
        (
            "add url",
            on_parent("ADD", "u /", vec![Input::text(Rule::C8, "etag", "\"x\"")]),
        ),
    ]
}

fn files(mode: ContextDigest) -> Input {
    let link = FileFact {
        kind: FileKind::Symlink,
        target: b"a".to_vec(),
        stamp: Stamp::Mtime(FileTime {
            secs: -1,
            nanos: 999_999_999,
        }),
        ..file("l", 1, 0)
    };
    let read = FileFact {
        stamp: Stamp::Content(digest("bytes")),
        ..file("c", 5, 0)
    };
    Input::files(
        ".",
        FileSet::new(mode, vec![file("a", 3, 7), link, read, directory("d")]),
    )
}

#[test]
fn the_golden_keys_are_as_they_were() {
    let golden = include_str!("../data/keys.txt");
    let mut now = String::new();
    for (name, recipe) in vectors() {
        writeln!(now, "{} {name}", recipe.key().hex()).unwrap();
    }
    assert_eq!(
        now, golden,
        "a changed key empties every cache: give the scheme a new number"
    );
}

#[test]
fn c5_what_is_not_involved_enters_no_key() {
    let of = |size, secs, files: Vec<FileFact>| {
        let dir = FileFact {
            size,
            stamp: Stamp::Mtime(FileTime { secs, nanos: 0 }),
            ..directory("d")
        };
        FileSet::new(ContextDigest::Metadata, [vec![dir], files].concat()).digest()
    };
    let a = || file("d/a", 1, 1);
    assert_eq!(
        of(4096, 1, vec![a()]),
        of(8192, 2, vec![a()]),
        "a stranger came into d"
    );
    assert_ne!(of(1, 1, vec![a()]), of(1, 1, vec![a(), file("d/b", 1, 1)]));
}

#[test]
fn the_order_in_which_files_were_found_does_not_matter() {
    let set = |paths: &[&str]| {
        let facts = paths.iter().map(|path| file(path, 1, 1)).collect();
        FileSet::new(ContextDigest::Metadata, facts)
    };
    assert_eq!(set(&["b", "a", "a/b", "a"]), set(&["a", "a/b", "b"]));
    assert_eq!(set(&["b", "a"]).digest(), set(&["a", "b"]).digest());
}

#[test]
fn notes_and_shown_texts_enter_no_key() {
    let plain = from("debian:12", "one");
    let mut other = from("debian:bookworm", "one");
    assert_eq!(plain.key(), other.key());
    other.inputs[0].note = None;
    other.shown = None;
    assert_eq!(plain.key(), other.key());
}

#[test]
fn neighbours_do_not_run_into_each_other() {
    let arg = |name: &str, value: &str| Input::text(Rule::C12, name, value);
    let key = |inputs| step(None, "RUN", "x", inputs).key();
    let recipes = [
        key(vec![arg("AB", "C")]),
        key(vec![arg("A", "BC")]),
        key(vec![arg("A", "B"), arg("C", "")]),
        key(vec![arg("", ""), arg("A", "BC")]),
        key(vec![Input::text(Rule::C13, "AB", "C")]),
    ];
    for (index, one) in recipes.iter().enumerate() {
        assert!(recipes[..index].iter().all(|other| other != one));
    }
}

fn value() -> impl Strategy<Value = InputValue> {
    let text = "[ab]{0,2}";
    prop_oneof![
        text.prop_map(InputValue::Text),
        text.prop_map(|of| InputValue::Digest(digest(&of))),
        prop::collection::btree_map("[ab]{0,1}", text, 0..3).prop_map(InputValue::Properties),
        prop::collection::vec(fact(), 0..3)
            .prop_map(|facts| InputValue::Files(FileSet::new(ContextDigest::Metadata, facts))),
        prop::collection::vec(fact(), 0..2)
            .prop_map(|facts| InputValue::Files(FileSet::new(ContextDigest::Content, facts))),
    ]
}

fn fact() -> impl Strategy<Value = FileFact> {
    let stamp = prop_oneof![
        Just(Stamp::Nothing),
        (0_i64..2, 0_u32..2).prop_map(|(secs, nanos)| Stamp::Mtime(FileTime { secs, nanos })),
        "[ab]".prop_map(|of| Stamp::Content(digest(&of))),
    ];
    (
        "[ab/]{1,2}",
        0_u64..2,
        stamp,
        "[ab]{0,2}",
        0_u32..2,
        0_u64..2,
    )
        .prop_map(|(path, size, stamp, target, uid, rdev)| FileFact {
            stamp,
            target: target.into_bytes(),
            uid,
            rdev,
            ..file(&path, size, 0)
        })
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let rule = prop_oneof![Just(Rule::C4), Just(Rule::C12), Just(Rule::C13)];
    let input =
        (rule, "[ab]{0,2}", value()).prop_map(|(rule, name, value)| Input::new(rule, name, value));
    let parent = prop::option::of("[ab]".prop_map(|of| CacheKey::new(digest(&of))));
    (
        parent,
        "[AB]{0,2}",
        "[ab]{0,3}",
        prop::collection::vec(input, 0..3),
    )
        .prop_map(|(parent, kind, instruction, inputs)| Recipe {
            parent,
            kind,
            instruction,
            shown: None,
            inputs,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn recipes_have_equal_keys_exactly_when_they_are_equal(a in recipe(), b in recipe()) {
        prop_assert_eq!(a.key() == b.key(), a == b);
        prop_assert_eq!(a.key(), a.clone().key());
    }

    /// C20: the explanation names what differs, and says nothing of what does not.
    #[test]
    fn a_difference_is_explained_exactly_when_there_is_one(a in recipe(), b in recipe()) {
        let b = Recipe { parent: a.parent, ..b };
        let reasons = iechor_cachedb::miss::diff(&a, &b);
        prop_assert_eq!(reasons.is_empty(), a.key() == b.key());
        for reason in reasons {
            let line = reason.to_string();
            prop_assert!(!line.is_empty() && !line.contains('\n'));
        }
    }
}
