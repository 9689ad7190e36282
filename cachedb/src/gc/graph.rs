//! What there is to prune, as a planner sees it: records, failed states, and who names them.

use std::collections::{HashMap, HashSet};

use iechor_snapshotter::{Digest, SnapshotId};
use rusqlite::{Connection, Row};

use crate::build::StepId;
use crate::db::column;
use crate::record::{Place, Record, RecordId, read_place, select_records};
use crate::time::UnixMillis;

/// The newest build of each iEchorfile and target, and the newest that succeeded, for a failed
/// build must not make the work of the one before it fair game.
const NEWEST_BUILDS: &str = "SELECT max(id) FROM builds GROUP BY context, file, target \
     UNION SELECT max(id) FROM builds WHERE status = 'succeeded' GROUP BY context, file, target";

/// Everything that names snapshots.
#[derive(Debug)]
pub(super) struct Graph {
    /// By number: parents before children.
    pub(super) records: Vec<Record>,
    /// Newest first.
    pub(super) failed: Vec<FailedState>,
    pub(super) images: Vec<ImageRoot>,
    /// Records that the newest build of their iEchorfile used.
    pub(super) newest: HashSet<RecordId>,
    /// How many rows name each snapshot.
    pub(super) names: HashMap<SnapshotId, usize>,
}

/// The kept state of a failed step.
#[derive(Debug)]
pub(super) struct FailedState {
    pub(super) step: StepId,
    pub(super) snapshot: SnapshotId,
    pub(super) text: String,
    pub(super) place: Place,
    pub(super) parent: Option<RecordId>,
    pub(super) when: UnixMillis,
}

/// An image with what it is made of.
#[derive(Debug)]
pub(super) struct ImageRoot {
    /// Its id in hexadecimal digits, then its names.
    pub(super) words: Vec<String>,
    pub(super) record: Option<RecordId>,
    pub(super) chain: Vec<SnapshotId>,
}

impl ImageRoot {
    pub(super) fn is_tagged(&self) -> bool {
        self.words.len() > 1
    }
}

impl Graph {
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut graph = Self {
            records: select_records(connection, "true ORDER BY r.id", [])?,
            failed: failed_states(connection)?,
            images: images(connection)?,
            newest: newest(connection)?,
            names: HashMap::new(),
        };
        graph.count_names();
        Ok(graph)
    }

    /// Where a record stands in `records`.
    pub(super) fn position(&self, id: RecordId) -> Option<usize> {
        self.records
            .binary_search_by_key(&id, |record| record.id)
            .ok()
    }

    fn count_names(&mut self) {
        let records = self.records.iter().filter_map(|record| record.snapshot);
        let failed = self.failed.iter().map(|failed| failed.snapshot);
        let images = self
            .images
            .iter()
            .flat_map(|image| image.chain.iter().copied());
        for snapshot in records.chain(failed).chain(images) {
            *self.names.entry(snapshot).or_default() += 1;
        }
    }
}

fn failed_states(connection: &Connection) -> rusqlite::Result<Vec<FailedState>> {
    connection
        .prepare(
            "SELECT s.id, s.snapshot, s.text, s.file, s.line, s.stage_index, s.stage_name, \
             s.position, s.parent, coalesce(b.finished, b.started) \
             FROM build_steps AS s JOIN builds AS b ON b.id = s.build \
             WHERE s.outcome = 'failed' AND s.snapshot IS NOT NULL ORDER BY s.id DESC",
        )?
        .query_map([], read_failed)?
        .collect()
}

fn read_failed(row: &Row<'_>) -> rusqlite::Result<FailedState> {
    Ok(FailedState {
        step: StepId(row.get(0)?),
        snapshot: SnapshotId::new(column::digest(row, 1)?),
        text: row.get(2)?,
        place: read_place(row, 3)?,
        parent: row.get::<_, Option<i64>>(8)?.map(RecordId),
        when: UnixMillis(row.get(9)?),
    })
}

fn images(connection: &Connection) -> rusqlite::Result<Vec<ImageRoot>> {
    let ids: Vec<(Digest, Option<i64>)> = connection
        .prepare("SELECT id, record FROM images ORDER BY id")?
        .query_map([], |row| Ok((column::digest(row, 0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    ids.iter()
        .map(|(id, record)| image(connection, id, record.map(RecordId)))
        .collect()
}

fn image(
    connection: &Connection,
    id: &Digest,
    record: Option<RecordId>,
) -> rusqlite::Result<ImageRoot> {
    let names: Vec<String> = connection
        .prepare_cached("SELECT name FROM image_names WHERE image = ?1 ORDER BY name")?
        .query_map([id.as_bytes()], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let chain = connection
        .prepare_cached("SELECT snapshot FROM image_layers WHERE image = ?1 ORDER BY ordinal")?
        .query_map([id.as_bytes()], |row| {
            column::digest(row, 0).map(SnapshotId::new)
        })?
        .collect::<Result<_, _>>()?;
    let words = std::iter::once(id.hex()).chain(names).collect();
    Ok(ImageRoot {
        words,
        record,
        chain,
    })
}

fn newest(connection: &Connection) -> rusqlite::Result<HashSet<RecordId>> {
    connection
        .prepare(&format!(
            "SELECT DISTINCT record FROM build_steps \
             WHERE record IS NOT NULL AND build IN ({NEWEST_BUILDS})"
        ))?
        .query_map([], |row| row.get(0).map(RecordId))?
        .collect()
}
