//! Random steps on both sides: whatever a process does over our mount, it sees what it would see on
//! a plain overlay, and what is committed is what it saw.
//!
//! `IECHOR_FS_SEQUENCES` says how many sequences (default 120); a nightly run takes 20,000.
//! What it finds is kept in `suite/cases/found.txt`.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::suite::{Ground, check};

/// Sequences of a normal test run.
const SEQUENCES: u32 = 120;
/// Operations of a sequence.
const OPERATIONS: usize = 50;
/// Sequences on one ground: it keeps what they leave until it goes.
const SEQUENCES_PER_GROUND: u32 = 500;

/// The first step of every sequence: something to change.
const BEGIN: &str = "mkdir a; mkdir a/b; create a/c x; create a/b/a y; mkdir c; create c/a z; \
                     link c/a c/b; symlink a/c b; fill c/c 5000; age //";

#[test]
fn random_sequences_are_as_on_a_plain_overlay() {
    let mut left = sequences();
    while left > 0 {
        let now = left.min(SEQUENCES_PER_GROUND);
        run(now);
        left -= now;
    }
}

fn sequences() -> u32 {
    let wanted = std::env::var("IECHOR_FS_SEQUENCES").ok();
    wanted.map_or(SEQUENCES, |wanted| wanted.parse().unwrap())
}

fn run(sequences: u32) {
    let ground = Ground::bare();
    let config = Config {
        cases: sequences,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&script(), |script| {
        check(&ground, &script).map_err(|told| TestCaseError::fail(format!("{script}\n{told}")))
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

fn script() -> impl Strategy<Value = String> {
    vec(operation(), OPERATIONS).prop_map(|operations| format!("{BEGIN}{}", operations.join("; ")))
}

/// Verbs of one path and fixed words.
const ON_ONE: [&str; 33] = [
    "mkdir P",
    "mkdir P 700",
    "mkdir P 2775",
    "rmdir P",
    "rmtree P",
    "unlink P",
    "create P 1",
    "create P 22",
    "exclusive P 3",
    "append P 4",
    "write P 2 55",
    "write P 6000 6",
    "resize P 1",
    "resize P 4500",
    "fill P 5000",
    "chmod P 640",
    "chmod P 4711",
    "chown P 7 8",
    "times P omit 1234.5",
    "setx P user.k v",
    "setx P trusted.k v",
    "rmx P user.k",
    "acl P 2000 4",
    "default P 2000 6",
    "fifo P 600",
    "char P 1 3 600",
    "socket P 700",
    "stat P",
    "read P",
    "ls P",
    "as 1000 append P 8",
    "open f P rw",
    "nameless f P",
];

/// Verbs of two paths.
const ON_TWO: [&str; 6] = [
    "rename P Q",
    "rename P Q",
    "exchange P Q",
    "rename-new P Q",
    "link P Q",
    "symlink Q P",
];

/// Verbs of a file that may be open.
const ON_OPEN: [&str; 4] = ["pwrite f 1 9", "pread f 0 9", "fchmod f 604", "fstat f"];

fn operation() -> impl Strategy<Value = String> {
    let one = |verb: &str, path: String| verb.replace('P', &path);
    let two = |verb: &str, from: &str, to: &str| verb.replace('P', from).replace('Q', to);
    prop_oneof![
        30 => (prop::sample::select(&ON_ONE[..]), path()).prop_map(move |(verb, path)| one(verb, path)),
        15 => (prop::sample::select(&ON_TWO[..]), path(), path())
            .prop_map(move |(verb, from, to)| two(verb, &from, &to)),
        3 => prop::sample::select(&ON_OPEN[..]).prop_map(|verb| format!("if-open {verb}")),
        3 => Just("//".to_owned()),
    ]
}

/// Few names, so that they meet.
fn path() -> impl Strategy<Value = String> {
    vec("[abc]", 1..4).prop_map(|names| names.join("/"))
}
