//! End to end: the program, run as a person runs it. One file a promise; the test of a cache rule
//! has the rule's number in its name.
//!
//! Each test has a state directory of its own, so that they run side by side, and fails when it
//! leaves a mount, a process or a temporary file (`support/leftovers.rs`).

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on ends there"
)]

mod build;
mod cache_mounts;
mod cache_rules;
mod commit;
mod concurrency;
mod copy;
mod debian;
mod debian_look;
mod diff;
mod doctor;
mod dry_run;
mod errors;
mod explain;
mod files;
mod gc;
mod graph;
mod help;
mod history;
mod miss_reasons;
mod mounts;
mod outputs;
mod progress;
mod prune;
mod read_only;
mod readme;
mod registry;
mod report;
mod run;
mod secrets;
mod shell;
mod signals;
#[path = "../support/support.rs"]
mod support;
mod trace;
