//! What only filters ask of records.

use std::sync::Arc;

use rusqlite::{Connection, Row};

use super::texts::Texts;

const NATURES: &str = "SELECT kind, stage_index, stage_name FROM records ORDER BY id";

/// What only filters ask of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Nature {
    /// The instruction's word in capitals.
    pub(crate) kind: Arc<str>,
    /// Index of the stage in the file, from 0.
    pub(crate) stage_index: u32,
    /// Name of the stage, if it has one.
    pub(crate) stage_name: Option<Arc<str>>,
}

/// The nature of each record, in the order of the listing.
pub(crate) fn natures(connection: &Connection) -> rusqlite::Result<Vec<Nature>> {
    let mut texts = Texts::default();
    let mut text = |text: &str| {
        let id = texts.number(text);
        Arc::clone(texts.get(id))
    };
    let mut statement = connection.prepare_cached(NATURES)?;
    let read = |row: &Row<'_>| {
        Ok(Nature {
            kind: text(row.get_ref(0)?.as_str()?),
            stage_index: row.get(1)?,
            stage_name: row.get_ref(2)?.as_str_or_null()?.map(&mut text),
        })
    };
    statement.query_map([], read)?.collect()
}
