//! The inputs behind a key, as rows.

use std::collections::BTreeMap;

use iechor_snapshotter::Digest;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::RecordId;
use super::insert::share;
use crate::db::{CacheDb, column};
use crate::error::CacheError;
use crate::file_set::FileSet;
use crate::key::{CacheKey, Rule};
use crate::recipe::{Input, InputValue, Recipe};

impl CacheDb {
    /// The recipe that the record was made by.
    ///
    /// # Errors
    ///
    /// [`CacheError::NotFound`], [`CacheError::Damaged`], those of SQLite.
    pub fn recipe(&self, id: RecordId) -> Result<Recipe, CacheError> {
        let recipe = self.read(|connection| read(connection, id))?;
        recipe.ok_or_else(|| CacheError::not_found("record", id.0))
    }
}

/// Writes the inputs of a new record.
pub(super) fn write(
    transaction: &Transaction<'_>,
    record: RecordId,
    recipe: &Recipe,
) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO inputs (record, ordinal, rule, name, note, form, text, digest) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (ordinal, input) in recipe.inputs.iter().enumerate() {
        let (text, digest) = columns(transaction, &input.value)?;
        insert.execute(params![
            record.0,
            column::signed(ordinal as u64),
            input.rule.number(),
            input.name,
            input.note,
            input.value.form(),
            text,
            digest.as_ref().map(Digest::as_bytes),
        ])?;
    }
    Ok(())
}

/// The columns `text` and `digest` of a value; a file set goes among the shared bytes.
fn columns(
    transaction: &Transaction<'_>,
    value: &InputValue,
) -> rusqlite::Result<(Option<String>, Option<Digest>)> {
    Ok(match value {
        InputValue::Files(files) => (None, Some(share(transaction, &files.encode())?)),
        value => small_columns(value),
    })
}

/// The columns `text` and `digest` of a value, without keeping anything.
pub(crate) fn small_columns(value: &InputValue) -> (Option<String>, Option<Digest>) {
    match value {
        InputValue::Text(text) => (Some(text.clone()), None),
        InputValue::Digest(digest) => (None, Some(*digest)),
        InputValue::Properties(properties) => (Some(properties_text(properties)), None),
        InputValue::Files(files) => (None, Some(files.digest())),
    }
}

/// A map of strings always has a JSON form.
fn properties_text(properties: &BTreeMap<String, String>) -> String {
    serde_json::to_string(properties).unwrap_or_default()
}

/// Reads a recipe; `None` when there is no such record.
pub(crate) fn read(connection: &Connection, id: RecordId) -> rusqlite::Result<Option<Recipe>> {
    let recipe = connection
        .prepare_cached("SELECT parent_key, kind, instruction, shown FROM records WHERE id = ?1")?
        .query_row([id.0], read_head)
        .optional()?;
    let Some(recipe) = recipe else {
        return Ok(None);
    };
    Ok(Some(Recipe {
        inputs: read_inputs(connection, id)?,
        ..recipe
    }))
}

fn read_head(row: &Row<'_>) -> rusqlite::Result<Recipe> {
    Ok(Recipe {
        parent: column::digest_or_null(row, 0)?.map(CacheKey::new),
        kind: row.get(1)?,
        instruction: row.get(2)?,
        shown: row.get(3)?,
        inputs: Vec::new(),
    })
}

fn read_inputs(connection: &Connection, id: RecordId) -> rusqlite::Result<Vec<Input>> {
    connection
        .prepare_cached(
            "SELECT i.rule, i.name, i.note, i.form, i.text, i.digest, s.bytes FROM inputs AS i \
             LEFT JOIN shared AS s ON i.form = 4 AND s.digest = i.digest \
             WHERE i.record = ?1 ORDER BY i.ordinal",
        )?
        .query_map([id.0], read_input)?
        .collect()
}

fn read_input(row: &Row<'_>) -> rusqlite::Result<Input> {
    let rule = row.get(0)?;
    Ok(Input {
        rule: Rule::from_number(rule)
            .ok_or_else(|| column::implausible(0, &format!("rule {rule}")))?,
        name: row.get(1)?,
        note: row.get(2)?,
        value: read_value(row)?,
    })
}

fn read_value(row: &Row<'_>) -> rusqlite::Result<InputValue> {
    match row.get::<_, u8>(3)? {
        1 => row.get(4).map(InputValue::Text),
        2 => column::digest(row, 5).map(InputValue::Digest),
        3 => column::json(row, 4).map(InputValue::Properties),
        _ => Ok(InputValue::Files(FileSet::decode(
            row.get_ref(6)?.as_blob()?,
        )?)),
    }
}
