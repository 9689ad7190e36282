//! Tests of the cache database through its public interface, one file a subject.

#[path = "suite/records.rs"]
mod records;
#[path = "suite/support.rs"]
mod support;
