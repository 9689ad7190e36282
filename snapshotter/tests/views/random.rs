//! Random scripts, many of them, on several grounds at once.
//!
//! `IECHOR_FS_SEQUENCES` says how many of each kind (a nightly run takes 20,000), and `IECHOR_FS_SEED`
//! begins another series: by itself it is the same each time. What is found is kept in
//! `suite/cases/found.txt`.

use std::env;
use std::thread;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use crate::suite::Ground;

/// Operations of a script.
const OPERATIONS: usize = 50;
/// Scripts on one ground: it keeps what they leave until it goes.
const SCRIPTS_PER_GROUND: u32 = 500;
/// Grounds at once: most of the time goes by waiting for mounts to end.
const WORKERS: u64 = 4;

/// The first step of every script: something to change.
const BEGIN: &str = "mkdir a; mkdir a/b; create a/c x; create a/b/a y; mkdir c; create c/a z; \
                     link c/a c/b; symlink a/c b; fill c/c 5000";

/// Runs a check on `normally` many scripts, or on as many as are wanted.
pub(crate) fn run_all(
    normally: u32,
    script: impl Fn() -> BoxedStrategy<String> + Sync,
    check: impl Fn(&Ground, &str) -> Result<(), String> + Sync,
) {
    let scripts = wanted("IECHOR_FS_SEQUENCES").unwrap_or(normally);
    let seed = wanted("IECHOR_FS_SEED").unwrap_or(0);
    thread::scope(|scope| {
        for worker in 0..WORKERS {
            let part = scripts.div_ceil(WORKERS as u32);
            let (script, check) = (&script, &check);
            scope.spawn(move || run_part(part, seed, worker, script(), check));
        }
    });
}

fn wanted<T: std::str::FromStr<Err: std::fmt::Debug>>(variable: &str) -> Option<T> {
    env::var(variable)
        .ok()
        .map(|wanted| wanted.parse().unwrap())
}

fn run_part(
    scripts: u32,
    seed: u64,
    worker: u64,
    script: BoxedStrategy<String>,
    check: impl Fn(&Ground, &str) -> Result<(), String>,
) {
    for (part, first) in (0..scripts)
        .step_by(SCRIPTS_PER_GROUND as usize)
        .enumerate()
    {
        let ground = Ground::bare();
        let config = Config {
            cases: SCRIPTS_PER_GROUND.min(scripts - first),
            failure_persistence: None,
            ..Config::default()
        };
        let rng = rng([seed, worker, part as u64, 0]);
        let outcome = TestRunner::new_with_rng(config, rng).run(&script, |script| {
            check(&ground, &script).map_err(|told| TestCaseError::fail(format!("{script}\n{told}")))
        });
        outcome.unwrap_or_else(|failure| panic!("{failure}"));
    }
}

fn rng(seed: [u64; 4]) -> TestRng {
    let seed: Vec<u8> = seed.into_iter().flat_map(u64::to_le_bytes).collect();
    TestRng::from_seed(RngAlgorithm::ChaCha, &seed)
}

/// Scripts of operations, with ends of steps among them; the first step is always the same, and
/// ends with `after`.
pub(crate) fn scripts(
    operation: impl Strategy<Value = String> + 'static,
    after: &'static str,
) -> BoxedStrategy<String> {
    let operation = prop_oneof![
        // Nothing comes first: what failed shrinks to it.
        1 => Just(String::new()),
        60 => operation,
        4 => Just("//".to_owned()),
    ];
    vec(operation, OPERATIONS)
        .prop_map(move |operations| format!("{BEGIN}{after} // {}", operations.join("; ")))
        .boxed()
}

/// Operations on one path, `P`.
pub(crate) fn on_one(verbs: &'static [&'static str]) -> impl Strategy<Value = String> {
    (prop::sample::select(verbs), path()).prop_map(|(verb, path)| verb.replace('P', &path))
}

/// Operations on two paths, `P` and `Q`.
pub(crate) fn on_two(verbs: &'static [&'static str]) -> impl Strategy<Value = String> {
    (prop::sample::select(verbs), path(), path())
        .prop_map(|(verb, from, to)| verb.replace('P', &from).replace('Q', &to))
}

/// Few names, so that they meet.
fn path() -> impl Strategy<Value = String> {
    vec("[abc]", 1..4).prop_map(|names| names.join("/"))
}
