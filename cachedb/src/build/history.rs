//! Reading the history.

use iechor_snapshotter::SnapshotId;
use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::{Build, BuildId, BuildStatus, BuildStep, NewStep, StepId, StepOutcome};
use crate::db::{CacheDb, column};
use crate::error::CacheError;
use crate::record::{RecordId, read_place};
use crate::time::UnixMillis;

impl CacheDb {
    /// The newest build.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn last_build(&self) -> Result<Option<Build>, CacheError> {
        Ok(self.builds(1)?.pop())
    }

    /// The build of this number.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn build(&self, id: BuildId) -> Result<Option<Build>, CacheError> {
        let mut found = self.read(|connection| builds(connection, "WHERE id = ?1", [id.0]))?;
        Ok(found.pop())
    }

    /// The newest builds, newest first, `limit` at most.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn builds(&self, limit: usize) -> Result<Vec<Build>, CacheError> {
        let limit = column::signed(limit as u64);
        self.read(|connection| builds(connection, "ORDER BY id DESC LIMIT ?1", [limit]))
    }

    /// The newest build of the same file, context and target that was begun before this one.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn build_before(&self, id: BuildId) -> Result<Option<BuildId>, CacheError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT before.id FROM builds AS this JOIN builds AS before \
                     ON before.context = this.context AND before.file = this.file \
                     AND before.target IS this.target AND before.id < this.id \
                     WHERE this.id = ?1 ORDER BY before.id DESC LIMIT 1",
                )?
                .query_row([id.0], |row| row.get(0).map(BuildId))
                .optional()
        })
    }

    /// The steps of a build in order.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn steps(&self, build: BuildId) -> Result<Vec<BuildStep>, CacheError> {
        self.read(|connection| steps(connection, "WHERE build = ?1 ORDER BY ordinal", [build.0]))
    }

    /// The last step with a result of a stage, by name or index, of the newest build that has it:
    /// steps of a stage end, and are written, one after the other.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn last_step_of_stage(&self, stage: &str) -> Result<Option<BuildStep>, CacheError> {
        self.first_step(
            "WHERE (stage_name = ?1 OR CAST(stage_index AS TEXT) = ?1) \
             AND outcome IN ('hit', 'miss') ORDER BY id DESC LIMIT 1",
            [stage],
        )
    }

    /// The step of this number of the newest build.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn step_by_number(&self, number: u32) -> Result<Option<BuildStep>, CacheError> {
        self.first_step(
            "WHERE build = (SELECT max(id) FROM builds) AND number = ?1 ORDER BY ordinal LIMIT 1",
            [number],
        )
    }

    /// The step that made this record; none when its build is no longer in the history.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn step_that_made(&self, record: RecordId) -> Result<Option<BuildStep>, CacheError> {
        self.first_step(
            "WHERE record = ?1 AND outcome = 'miss' ORDER BY id LIMIT 1",
            [record.0],
        )
    }

    /// The newest step that used or made this record. A FROM that goes on where another stage ended
    /// is none: the record is that of a step there.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn last_step_of_record(&self, record: RecordId) -> Result<Option<BuildStep>, CacheError> {
        self.first_step(
            "WHERE record = ?1 AND (position > 0 OR EXISTS \
             (SELECT 1 FROM records WHERE records.id = ?1 AND records.parent IS NULL)) \
             ORDER BY id DESC LIMIT 1",
            [record.0],
        )
    }

    /// What a command after this step gets besides the configuration: what the last step of its
    /// stage up to it says that says something.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn surroundings(&self, step: StepId) -> Result<Option<String>, CacheError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT before.surroundings FROM build_steps AS this \
                     JOIN build_steps AS before ON before.build = this.build \
                     AND before.stage_index = this.stage_index AND before.position <= this.position \
                     WHERE this.id = ?1 AND before.surroundings IS NOT NULL \
                     ORDER BY before.position DESC LIMIT 1",
                )?
                .query_row([step.0], |row| row.get(0))
                .optional()
        })
    }

    /// Failed steps whose state was kept, newest first.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn failed_steps(&self) -> Result<Vec<BuildStep>, CacheError> {
        self.read(|connection| {
            steps(
                connection,
                "WHERE outcome = 'failed' AND snapshot IS NOT NULL ORDER BY id DESC",
                [],
            )
        })
    }

    fn first_step(
        &self,
        condition: &str,
        params: impl Params,
    ) -> Result<Option<BuildStep>, CacheError> {
        self.read(|connection| {
            let query = step_query(condition);
            connection
                .prepare_cached(&query)?
                .query_row(params, read_step)
                .optional()
        })
    }
}

fn builds(
    connection: &Connection,
    condition: &str,
    params: impl Params,
) -> rusqlite::Result<Vec<Build>> {
    let query = format!(
        "SELECT id, started, finished, file, context, target, status, tags, image \
         FROM builds {condition}"
    );
    connection
        .prepare_cached(&query)?
        .query_map(params, read_build)?
        .collect()
}

fn steps(
    connection: &Connection,
    condition: &str,
    params: impl Params,
) -> rusqlite::Result<Vec<BuildStep>> {
    connection
        .prepare_cached(&step_query(condition))?
        .query_map(params, read_step)?
        .collect()
}

fn step_query(condition: &str) -> String {
    format!(
        "SELECT id, build, ordinal, number, text, file, line, stage_index, stage_name, position, \
         record, parent, snapshot, outcome, reason, duration_ms, log, label, begun_ms, takes_from, setup, \
         surroundings, pruned FROM build_steps {condition}"
    )
}

fn read_build(row: &Row<'_>) -> rusqlite::Result<Build> {
    let status: String = row.get(6)?;
    Ok(Build {
        id: BuildId(row.get(0)?),
        started: UnixMillis(row.get(1)?),
        finished: row.get::<_, Option<i64>>(2)?.map(UnixMillis),
        file: row.get(3)?,
        context: row.get(4)?,
        target: row.get(5)?,
        status: BuildStatus::from_word(&status).ok_or_else(|| column::implausible(6, &status))?,
        tags: column::json(row, 7)?,
        image: column::digest_or_null(row, 8)?,
    })
}

fn read_step(row: &Row<'_>) -> rusqlite::Result<BuildStep> {
    Ok(BuildStep {
        id: StepId(row.get(0)?),
        build: BuildId(row.get(1)?),
        step: read_what_happened(row)?,
        pruned: row.get::<_, Option<i64>>(22)?.map(UnixMillis),
    })
}

fn read_what_happened(row: &Row<'_>) -> rusqlite::Result<NewStep> {
    let outcome: String = row.get(13)?;
    Ok(NewStep {
        ordinal: row.get(2)?,
        number: row.get(3)?,
        text: row.get(4)?,
        place: read_place(row, 5)?,
        record: row.get::<_, Option<i64>>(10)?.map(RecordId),
        parent: row.get::<_, Option<i64>>(11)?.map(RecordId),
        snapshot: column::digest_or_null(row, 12)?.map(SnapshotId::new),
        outcome: StepOutcome::from_word(&outcome)
            .ok_or_else(|| column::implausible(13, &outcome))?,
        reason: row.get(14)?,
        duration_ms: column::unsigned(row, 15)?,
        log: row.get(16)?,
        label: row.get(17)?,
        begun_ms: column::unsigned(row, 18)?,
        takes_from: column::json(row, 19)?,
        setup: row.get(20)?,
        surroundings: row.get(21)?,
    })
}
