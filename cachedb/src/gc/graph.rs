//! What there is to prune, as a planner sees it: records, failed states, and who names them.

use iechor_snapshotter::{Digest, DigestMap, SnapshotId};
use rusqlite::{Connection, Row};

use super::{GcPolicy, GcScope};
use crate::build::StepId;
use crate::db::column;
use crate::record::{Listing, Nature, Place, RecordId, natures, read_place};
use crate::time::UnixMillis;

/// What the newest build of each iEchorfile and target used, and the newest that succeeded, for a
/// failed build must not make the work of the one before it fair game.
const USED_BY_NEWEST: &str = "WITH newest (any, succeeded) AS MATERIALIZED ( \
         SELECT max(id), max(CASE status WHEN 'succeeded' THEN id END) \
         FROM builds GROUP BY context, file, target) \
     SELECT record FROM build_steps WHERE record IS NOT NULL \
     AND build IN (SELECT any FROM newest UNION SELECT succeeded FROM newest)";

/// Everything that names snapshots, as a policy needs to know it.
#[derive(Debug)]
pub struct Prunable {
    pub(super) policy: GcPolicy,
    pub(super) records: Listing,
    /// Of each record; none at all when the policy has no filter.
    pub(super) natures: Vec<Nature>,
    /// Newest first.
    pub(super) failed: Vec<FailedState>,
    pub(super) images: Vec<ImageRoot>,
    /// Of each record, whether the newest build of its iEchorfile used it; none at all when the
    /// policy does not spare them.
    pub(super) newest: Vec<bool>,
}

/// The kept state of failed steps: of all that were left in the same one.
#[derive(Debug)]
pub struct FailedState {
    /// Newest first.
    pub(super) steps: Vec<StepId>,
    /// The state.
    pub snapshot: SnapshotId,
    /// The instruction of the newest of them.
    pub text: String,
    /// Where that stands.
    pub place: Place,
    /// Where the records that they were made on stand.
    pub(super) parents: Vec<usize>,
    /// When the newest of them failed.
    pub when: UnixMillis,
}

/// An image with what it is made of.
#[derive(Debug)]
pub(super) struct ImageRoot {
    pub(super) id: Digest,
    pub(super) names: Vec<String>,
    /// Where the record that made it stands.
    pub(super) record: Option<usize>,
    pub(super) chain: Vec<SnapshotId>,
    pub(super) created: UnixMillis,
}

impl Prunable {
    /// Reads what the records are not, in the transaction in which they were read.
    pub(super) fn load(
        connection: &Connection,
        records: Listing,
        policy: &GcPolicy,
    ) -> rusqlite::Result<Self> {
        Ok(Self {
            natures: match policy.filters.as_slice() {
                [] => Vec::new(),
                _ => natures(connection)?,
            },
            failed: failed_states(connection, &records)?,
            images: images(connection, &records)?,
            newest: match policy.scope {
                GcScope::Dangling => newest(connection, &records)?,
                GcScope::All => Vec::new(),
            },
            records,
            policy: policy.clone(),
        })
    }

    /// All records.
    pub fn records(&self) -> &Listing {
        &self.records
    }

    /// All records, when nothing else is asked any more.
    pub fn into_records(self) -> Listing {
        self.records
    }

    /// The kept states of failed steps, newest first.
    pub fn failed(&self) -> &[FailedState] {
        &self.failed
    }

    /// The snapshots that images and failed steps name, once for each name.
    pub fn beside_records(&self) -> impl Iterator<Item = &SnapshotId> {
        let failed = self.failed.iter().map(|failed| &failed.snapshot);
        failed.chain(self.images.iter().flat_map(|image| &image.chain))
    }
}

/// Without the index the planner walks all steps that there are, to have them in their order.
fn failed_states(connection: &Connection, records: &Listing) -> rusqlite::Result<Vec<FailedState>> {
    let mut statement = connection.prepare_cached(
        "SELECT s.id, s.snapshot, s.text, s.file, s.line, s.stage_index, s.stage_name, \
         s.position, s.parent, coalesce(b.finished, b.started) \
         FROM build_steps AS s INDEXED BY build_steps_failed JOIN builds AS b ON b.id = s.build \
         WHERE s.outcome = 'failed' AND s.snapshot IS NOT NULL ORDER BY s.id DESC",
    )?;
    let mut states: Vec<FailedState> = Vec::new();
    let mut known = DigestMap::default();
    for state in statement.query_map([], |row| read_failed(row, records))? {
        let state = state?;
        match known.get(&state.snapshot) {
            Some(at) => join(&mut states, *at, state),
            None => {
                known.insert(state.snapshot, states.len());
                states.push(state);
            }
        }
    }
    Ok(states)
}

/// One more step was left in a state that is known.
fn join(states: &mut [FailedState], at: usize, older: FailedState) {
    if let Some(state) = states.get_mut(at) {
        state.steps.extend(older.steps);
        state.parents.extend(older.parents);
    }
}

fn read_failed(row: &Row<'_>, records: &Listing) -> rusqlite::Result<FailedState> {
    let parent = row.get::<_, Option<i64>>(8)?.map(RecordId);
    Ok(FailedState {
        steps: vec![StepId(row.get(0)?)],
        snapshot: SnapshotId::new(column::digest(row, 1)?),
        text: row.get(2)?,
        place: read_place(row, 3)?,
        parents: parent
            .and_then(|parent| records.position(parent))
            .into_iter()
            .collect(),
        when: UnixMillis(row.get(9)?),
    })
}

fn images(connection: &Connection, records: &Listing) -> rusqlite::Result<Vec<ImageRoot>> {
    let mut names = grouped(
        connection,
        "SELECT image, name FROM image_names ORDER BY image, name",
        |row| row.get(1),
    )?;
    let mut chains = grouped(
        connection,
        "SELECT image, snapshot FROM image_layers ORDER BY image, ordinal",
        |row| column::digest(row, 1).map(SnapshotId::new),
    )?;
    connection
        .prepare_cached("SELECT id, record, created FROM images ORDER BY id")?
        .query_map([], |row| {
            let id = column::digest(row, 0)?;
            let record = row.get::<_, Option<i64>>(1)?.map(RecordId);
            Ok(ImageRoot {
                names: take(&mut names, &id),
                chain: take(&mut chains, &id),
                record: record.and_then(|record| records.position(record)),
                created: UnixMillis(row.get(2)?),
                id,
            })
        })?
        .collect()
}

/// What a query in the order of images gives, by the image in its first column.
fn grouped<T>(
    connection: &Connection,
    query: &str,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<(Digest, Vec<T>)>> {
    let mut groups: Vec<(Digest, Vec<T>)> = Vec::new();
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, value) = (column::digest(row, 0)?, read(row)?);
        match groups.last_mut() {
            Some((last, group)) if *last == id => group.push(value),
            _ => groups.push((id, vec![value])),
        }
    }
    Ok(groups)
}

/// Takes the group of an image.
fn take<T>(groups: &mut [(Digest, Vec<T>)], id: &Digest) -> Vec<T> {
    let at = groups.binary_search_by_key(id, |(image, _)| *image);
    at.map_or_else(|_| Vec::new(), |at| std::mem::take(&mut groups[at].1))
}

fn newest(connection: &Connection, records: &Listing) -> rusqlite::Result<Vec<bool>> {
    let mut newest = vec![false; records.rows().len()];
    let mut statement = connection.prepare_cached(USED_BY_NEWEST)?;
    for id in statement.query_map([], |row| row.get(0).map(RecordId))? {
        if let Some(at) = records.position(id?) {
            newest[at] = true;
        }
    }
    Ok(newest)
}
