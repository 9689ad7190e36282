//! What went wrong while serving.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Faults of a session: contents that could not be read, requests that ended in a panic.
///
/// The process that asked got `EIO` and may have gone on; so whoever runs a step looks here before
/// the step counts as done.
#[derive(Debug, Default)]
pub struct Faults {
    count: AtomicU64,
    first: OnceLock<String>,
}

impl Faults {
    /// How many requests failed for a reason that is not the asker's.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// What the first of them met.
    pub fn first(&self) -> Option<&str> {
        self.first.get().map(String::as_str)
    }

    /// Counts one.
    pub(crate) fn record(&self, what: &str) {
        self.first.get_or_init(|| what.to_owned());
        self.count.fetch_add(1, Ordering::Release);
    }
}
