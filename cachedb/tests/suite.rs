//! Tests of the cache database through its public interface, one file a subject.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "suite/gc.rs"]
mod gc;
#[path = "suite/keys.rs"]
mod keys;
#[path = "suite/miss.rs"]
mod miss;
#[path = "suite/opening.rs"]
mod opening;
#[path = "suite/records.rs"]
mod records;
#[path = "suite/support.rs"]
mod support;
#[path = "suite/tables.rs"]
mod tables;
#[path = "suite/together.rs"]
mod together;
