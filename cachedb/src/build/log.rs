//! Writing the history.

use iechor_snapshotter::Digest;
use rusqlite::{Transaction, params};

use super::{BuildId, BuildStatus, NewBuild, NewStep, StepId};
use crate::db::{CacheDb, column};
use crate::error::CacheError;
use crate::time::UnixMillis;

impl CacheDb {
    /// Writes that a build began. A power cut may lose it.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn begin_build(&self, build: &NewBuild) -> Result<BuildId, CacheError> {
        self.write_lazily(|transaction| insert_build(transaction, build))
    }

    /// Writes steps of a build; a batch costs as much as one. A power cut may lose them.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn add_steps(&self, build: BuildId, steps: &[NewStep]) -> Result<(), CacheError> {
        self.write_lazily(|transaction| insert_steps(transaction, build, steps))
    }

    /// Writes that a build ended. A power cut may lose it.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn finish_build(
        &self,
        build: BuildId,
        status: BuildStatus,
        image: Option<&Digest>,
        now: UnixMillis,
    ) -> Result<(), CacheError> {
        self.write_lazily(|transaction| end_build(transaction, build, status, image, now))
    }

    /// Writes a whole build that has ended, in one transaction: for a build of nothing but hits.
    /// A power cut may lose it.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn log_build(
        &self,
        build: &NewBuild,
        steps: &[NewStep],
        status: BuildStatus,
        image: Option<&Digest>,
        now: UnixMillis,
    ) -> Result<BuildId, CacheError> {
        self.write_lazily(|transaction| {
            let id = insert_build(transaction, build)?;
            insert_steps(transaction, id, steps)?;
            end_build(transaction, id, status, image, now)?;
            Ok(id)
        })
    }

    /// Forgets the state that a failed step was left in; its row stays in the history.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn forget_failed_state(&self, step: StepId) -> Result<(), CacheError> {
        self.write(|transaction| {
            transaction
                .prepare_cached("UPDATE build_steps SET snapshot = NULL WHERE id = ?1")?
                .execute([step.0])
                .map(drop)
        })
    }

    /// Deletes a build and its steps. `false`: no such build.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn delete_build(&self, id: BuildId) -> Result<bool, CacheError> {
        self.write(|transaction| {
            let gone = transaction.execute("DELETE FROM builds WHERE id = ?1", [id.0])?;
            Ok(gone > 0)
        })
    }
}

fn insert_build(transaction: &Transaction<'_>, build: &NewBuild) -> rusqlite::Result<BuildId> {
    let tags = json(&build.tags);
    transaction
        .prepare_cached(
            "INSERT INTO builds (started, file, context, target, status, tags) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .insert(params![
            build.started.0,
            build.file,
            build.context,
            build.target,
            BuildStatus::Running.word(),
            tags,
        ])
        .map(BuildId)
}

/// A list of strings or numbers always has a JSON form.
fn json(list: &impl serde::Serialize) -> String {
    serde_json::to_string(list).unwrap_or_else(|_| "[]".to_owned())
}

/// A prune may have taken a record since the step used it: then the step names none.
fn insert_steps(
    transaction: &Transaction<'_>,
    build: BuildId,
    steps: &[NewStep],
) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO build_steps (build, ordinal, number, text, file, line, stage_index, \
         stage_name, position, record, parent, snapshot, outcome, reason, duration_ms, log, \
         label, begun_ms, takes_from, setup, surroundings) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, (SELECT id FROM records WHERE id = ?10), \
         (SELECT id FROM records WHERE id = ?11), ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)",
    )?;
    for step in steps {
        insert.execute(params![
            build.0,
            step.ordinal,
            step.number,
            step.text,
            step.place.file,
            step.place.line,
            step.place.stage_index,
            step.place.stage_name,
            step.place.position,
            step.record.map(|record| record.0),
            step.parent.map(|record| record.0),
            step.snapshot
                .as_ref()
                .map(|snapshot| snapshot.digest().as_bytes()),
            step.outcome.word(),
            step.reason,
            column::signed(step.duration_ms),
            step.log,
            step.label,
            column::signed(step.begun_ms),
            json(&step.takes_from),
            step.setup,
            step.surroundings,
        ])?;
    }
    Ok(())
}

fn end_build(
    transaction: &Transaction<'_>,
    build: BuildId,
    status: BuildStatus,
    image: Option<&Digest>,
    now: UnixMillis,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("UPDATE builds SET status = ?2, image = ?3, finished = ?4 WHERE id = ?1")?
        .execute(params![
            build.0,
            status.word(),
            image.map(Digest::as_bytes),
            now.0
        ])
        .map(drop)
}
