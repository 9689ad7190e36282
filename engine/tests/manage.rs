//! What is done with results once they are there: images in and out, references, sizes, prunes.
//!
//! Each test has a state directory of its own; snapshots are made by hand, no step is run.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "manage/diff.rs"]
mod diff;
#[path = "manage/freed.rs"]
mod freed;
#[path = "manage/images.rs"]
mod images;
#[path = "manage/output.rs"]
mod output;
#[path = "manage/prune.rs"]
mod prune;
#[path = "manage/reference.rs"]
mod reference;
#[path = "manage/registry.rs"]
mod registry;
#[expect(clippy::expect_used, reason = "a test that cannot go on has failed")]
#[path = "../../tests/support/registry.rs"]
mod server;
#[path = "manage/sources.rs"]
mod sources;
#[path = "manage/support.rs"]
mod support;
#[path = "manage/usage.rs"]
mod usage;
