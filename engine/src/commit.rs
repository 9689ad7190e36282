//! `iechor commit`: what was written to a mount becomes a layer, and an image with it on top.
//!
//! ```text
//! mount --rw ─► read-only for a moment ─► snapshot on the chain ─► record COMMIT ─► image, names
//!           └── goes on as before, on what it was mounted on
//! ```
//!
//! The record is a child of the record that was mounted, so that listings, differences and prunes
//! see the snapshot as they see that of a step. A later commit of the same mount has all changes
//! again: it is another image, not one on top of the first.

mod error;

use std::time::Instant;

use iechor_cachedb::{Durability, Input, NewRecord, Place, Recipe, RecordId, Rule, UnixMillis};
use iechor_image::ImageConfig;
use iechor_image::config::History;
use iechor_snapshotter::{Chain, Digest, SnapshotId};

pub use self::error::CommitError;
use crate::hold::Held;
use crate::lower::change::Change;
pub use crate::lower::change::ChangeError;
use crate::mounts::WritableMount;
use crate::output::{self, BuildResult};
use crate::progress::{Silent, StepId};
use crate::state::Engine;

/// The word that a commit has in records, as steps have theirs.
const KIND: &str = "COMMIT";

/// What to commit, and as what.
#[derive(Debug, Clone, Copy)]
pub struct CommitRequest<'a> {
    /// The mount: its directory or id; a prefix suffices.
    pub mount: &'a str,
    /// Names for the image.
    pub names: &'a [String],
    /// What the history of the image says, a line each.
    pub messages: &'a [String],
    /// Who made it.
    pub author: Option<&'a str>,
    /// Instructions that change the configuration, applied in order.
    pub changes: &'a [String],
}

/// What a commit made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Digest of the configuration: the image id.
    pub image_id: Digest,
    /// The snapshot on top; that of what was mounted when nothing was written.
    pub snapshot: Option<SnapshotId>,
    /// The names that the image was given, normalised.
    pub names: Vec<String>,
}

/// Commits a writable mount. `now` is in seconds since the epoch.
///
/// # Errors
///
/// [`CommitError`]; the mount is as it was.
pub fn commit(
    engine: &Engine,
    request: CommitRequest<'_>,
    now: i64,
) -> Result<Committed, CommitError> {
    output::check_names(request.names)?;
    let changes: Vec<Change> = request
        .changes
        .iter()
        .map(|text| Change::parse(text))
        .collect::<Result<_, _>>()?;
    let mount = WritableMount::find(engine, request.mount)?;
    let mut commit = Commit {
        engine,
        request,
        mount,
        begun: Instant::now(),
        now: UnixMillis(now.saturating_mul(1000)),
    };
    // Until the record names the snapshot, the hold keeps it.
    let hold = Held::Snapshots.hold(engine)?;
    let chain = commit.mount.snapshot(engine)?;
    let _lease = chain
        .tip()
        .map(|tip| engine.leases().take(tip))
        .transpose()?;
    let config = commit.config(&chain, &changes)?;
    engine.store().sync()?;
    let record = commit.record(&chain, &config)?;
    drop(hold);
    commit.image(chain, config, record)
}

/// A commit under way.
struct Commit<'a> {
    engine: &'a Engine,
    request: CommitRequest<'a>,
    mount: WritableMount,
    begun: Instant,
    now: UnixMillis,
}

impl Commit<'_> {
    /// The configuration of what was mounted, with the changes, and an entry in the history for
    /// the layer and for each change.
    fn config(&mut self, chain: &Chain, changes: &[Change]) -> Result<ImageConfig, CommitError> {
        let mut config = self.mount.basis.config.clone();
        let empty = chain.tip() == self.mount.below.tip();
        let comment = self.request.messages.join("\n");
        self.add_entry(&mut config, "iechor commit".to_owned(), comment, empty);
        for change in changes {
            config = change.apply(&config)?;
            self.add_entry(&mut config, change.text().to_owned(), String::new(), true);
        }
        if let Some(author) = self.request.author {
            author.clone_into(&mut config.author);
        }
        Ok(config)
    }

    fn add_entry(&self, to: &mut ImageConfig, by: String, comment: String, empty_layer: bool) {
        let created = jiff::Timestamp::from_millisecond(self.now.0).unwrap_or_default();
        to.created = Some(created.to_string());
        to.history.push(History {
            created: to.created.clone(),
            created_by: by,
            author: self.request.author.unwrap_or_default().to_owned(),
            comment,
            empty_layer,
        });
    }

    /// Writes the record that names the snapshot.
    fn record(&self, chain: &Chain, config: &ImageConfig) -> Result<RecordId, CommitError> {
        let parent = match self.mount.basis.record {
            Some(record) => self.engine.cache().record(record)?,
            None => None,
        };
        let new = NewRecord {
            parent: parent.as_ref().map(|parent| parent.id),
            place: place(),
            snapshot: chain.tip(),
            config: String::from_utf8_lossy(&config.to_bytes()?).into_owned(),
            created: self.now,
            duration_ms: u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            own_bytes: self.own_bytes(chain)?,
            durability: Durability::Durable,
        };
        let recipe = Recipe {
            parent: parent.map(|parent| parent.key),
            kind: KIND.to_owned(),
            instruction: KIND.to_owned(),
            shown: Some(self.shown()),
            inputs: chain
                .tip()
                .map(|tip| Input::text(Rule::C16, "snapshot", tip.to_string()))
                .into_iter()
                .collect(),
        };
        Ok(self.engine.cache().insert(&new, &recipe)?.id)
    }

    /// What listings show of it: the message, or what was mounted.
    fn shown(&self) -> String {
        match self.request.messages.first() {
            Some(message) => format!("{KIND} {message}"),
            None => format!("{KIND} changes of {}", self.mount.title()),
        }
    }

    fn own_bytes(&self, chain: &Chain) -> Result<u64, CommitError> {
        match chain.tip() {
            Some(tip) if Some(tip) != self.mount.below.tip() => {
                Ok(self.engine.store().usage(tip)?.own)
            }
            _ => Ok(0),
        }
    }

    fn image(
        self,
        chain: Chain,
        config: ImageConfig,
        record: RecordId,
    ) -> Result<Committed, CommitError> {
        let snapshot = chain.tip();
        let result = BuildResult {
            chain,
            config,
            record: Some(record),
            names: self.request.names.to_vec(),
        };
        let now = self.now.0.div_euclid(1000);
        let nowhere = &mut std::io::sink();
        let finished = output::finish(self.engine, result, &[], nowhere, now, &Silent, StepId(0))?;
        Ok(Committed {
            image_id: finished.image_id,
            snapshot,
            names: finished.names,
        })
    }
}

/// A commit stands in no file.
fn place() -> Place {
    Place {
        file: "iechor commit".to_owned(),
        line: 0,
        stage_index: 0,
        stage_name: None,
        position: 0,
    }
}
