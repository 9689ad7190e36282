//! The cached steps as trees by chain: `iechor builder ls`.

use std::collections::HashMap;

use iechor_cachedb::{Record, RecordFilter, RecordId};

use super::UsageError;
use super::ledger::{Ledger, Share};
use super::records::{self, Makers};
use crate::state::Engine;

/// A cached step and what was built on it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StepNode {
    /// Cache key, `sha256:…`.
    pub key: String,
    /// The instruction.
    pub text: String,
    /// `iEchorfile:12`.
    pub place: Option<String>,
    /// The snapshot after it, `sha256:…`; none when it is `scratch`.
    pub snapshot: Option<String>,
    /// Bytes that its snapshot has alone.
    pub own: u64,
    /// Bytes that other snapshots have as well.
    pub shared: u64,
    /// How often it was a hit.
    pub hits: u64,
    /// When it was made, seconds since the epoch.
    pub created: i64,
    /// When it was last used, seconds since the epoch.
    pub last_used: i64,
    /// The steps whose parent it is, oldest first.
    pub children: Vec<Self>,
}

/// The cached steps as trees by chain, each FROM a root, for `builder ls`.
///
/// # Errors
///
/// As [`usage`](super::usage).
pub fn steps(engine: &Engine) -> Result<Vec<StepNode>, UsageError> {
    let ledger = Ledger::open(engine)?;
    let records = engine.cache().records(&RecordFilter::default())?;
    let makers = Makers::of(&records, &ledger);
    let mut children: HashMap<Option<RecordId>, Vec<StepNode>> = HashMap::new();
    // Parents come before children, so from the end each finds its children complete.
    for record in records.iter().rev() {
        let mut node = node(record, makers.share(record, &ledger));
        node.children = children.remove(&Some(record.id)).unwrap_or_default();
        node.children.reverse();
        children.entry(record.parent).or_default().push(node);
    }
    let mut roots = children.remove(&None).unwrap_or_default();
    roots.reverse();
    Ok(roots)
}

fn node(record: &Record, share: Share) -> StepNode {
    StepNode {
        key: record.key.to_string(),
        text: record.text.clone(),
        place: Some(records::place(&record.place)),
        snapshot: record.snapshot.map(|snapshot| snapshot.to_string()),
        own: share.own,
        shared: share.shared,
        hits: record.hits,
        created: records::seconds(record.created),
        last_used: records::seconds(record.last_used),
        children: Vec::new(),
    }
}
