//! Random steps on both sides: whatever a process does over our mount, it sees what it would see on
//! a plain overlay, and what is committed is what it saw.

use proptest::prelude::*;

use crate::random::{on_one, on_two, run_all, scripts};
use crate::suite::check;

/// Scripts of a normal test run.
const SCRIPTS: u32 = 500;

#[test]
fn random_steps_are_as_on_a_plain_overlay() {
    run_all(SCRIPTS, || scripts(operation(), "; age"), check);
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
    prop_oneof![
        10 => on_one(&ON_ONE),
        5 => on_two(&ON_TWO),
        1 => prop::sample::select(&ON_OPEN[..]).prop_map(|verb| format!("if-open {verb}")),
    ]
}
