//! Finding what to compare with.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Comparison, Explanation, Hint, MissReason, diff};
use crate::db::{CacheDb, column};
use crate::error::CacheError;
use crate::key::CacheKey;
use crate::recipe::Recipe;
use crate::record::{Place, Record, RecordId, read_recipe, small_columns, text_hash};
use crate::time::UnixMillis;

/// Siblings that are looked at more closely: enough for people who switch between branches.
const CLOSE_LOOKS: usize = 32;

/// Records of a place among which a sibling is sought.
const PLACE_LOOKS: usize = 256;

impl CacheDb {
    /// Why `lookup(parent, recipe.key())` found nothing, compared with the nearest cached sibling.
    ///
    /// Nearest is: the same instruction text, then the same place, then the fewest inputs that
    /// differ, then the newest.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn explain(
        &self,
        parent: Option<RecordId>,
        recipe: &Recipe,
        hint: &Hint<'_>,
    ) -> Result<Explanation, CacheError> {
        self.read(|connection| {
            if let Some(pruned) = tombstone(connection, &recipe.key())? {
                let reason = MissReason::Pruned {
                    ago_ms: hint.now.since(pruned),
                };
                return Ok(Explanation {
                    sibling: None,
                    reasons: vec![reason],
                });
            }
            let place = hint.place;
            let sibling = nearest(connection, parent, recipe, place, ANY)?.or(hint.fallback);
            compare(connection, sibling, recipe)
        })
    }

    /// How a record differs from the nearest of its older siblings, else from the record that was
    /// before it at its place; `None` when there is neither. Records of its own key do not count.
    ///
    /// # Errors
    ///
    /// [`CacheError::NotFound`], those of SQLite.
    pub fn compare_with_older(&self, record: &Record) -> Result<Option<Comparison>, CacheError> {
        let recipe = self.recipe(record.id)?;
        self.read(|connection| {
            let (parent, place, id) = (record.parent, &record.place, record.id);
            let older = match nearest(connection, parent, &recipe, place, id)? {
                Some(sibling) => Some(sibling),
                None => before_at(connection, place, &recipe.key(), id)?,
            };
            let Some(older) = older else {
                return Ok(None);
            };
            let old = read_recipe(connection, older)?;
            Ok(old.map(|old| Comparison {
                older,
                differences: diff(&old, &recipe),
            }))
        })
    }
}

/// A bound that every record is below.
const ANY: RecordId = RecordId(i64::MAX);

fn tombstone(connection: &Connection, key: &CacheKey) -> rusqlite::Result<Option<UnixMillis>> {
    connection
        .prepare_cached("SELECT pruned FROM tombstones WHERE key = ?1")?
        .query_row([key.digest().as_bytes()], |row| row.get(0).map(UnixMillis))
        .optional()
}

fn compare(
    connection: &Connection,
    sibling: Option<RecordId>,
    recipe: &Recipe,
) -> rusqlite::Result<Explanation> {
    let old = match sibling {
        Some(sibling) => read_recipe(connection, sibling)?,
        None => None,
    };
    let mut reasons = old.map(|old| diff(&old, recipe)).unwrap_or_default();
    if reasons.is_empty() {
        reasons.push(MissReason::FirstOnParent);
    }
    Ok(Explanation { sibling, reasons })
}

fn nearest(
    connection: &Connection,
    parent: Option<RecordId>,
    recipe: &Recipe,
    place: &Place,
    before: RecordId,
) -> rusqlite::Result<Option<RecordId>> {
    let same_text = with_same_text(connection, parent, recipe, place, before)?;
    if let Some(sibling) = fewest_differences(connection, same_text, recipe)? {
        return Ok(Some(sibling));
    }
    match at_same_place(connection, parent, place, &recipe.key(), before)? {
        Some(sibling) => Ok(Some(sibling)),
        None => newest_of_kind(connection, parent, recipe, before),
    }
}

/// A record that may be the nearest.
struct Candidate {
    id: RecordId,
    same_place: bool,
}

/// The sign before `kind` keeps SQLite from walking all siblings of the kind by its index.
fn with_same_text(
    connection: &Connection,
    parent: Option<RecordId>,
    recipe: &Recipe,
    place: &Place,
    before: RecordId,
) -> rusqlite::Result<Vec<Candidate>> {
    connection
        .prepare_cached(
            "SELECT id, file = ?5 AND stage_index = ?6 FROM records \
             WHERE parent IS ?1 AND text_hash = ?2 AND +kind = ?3 \
             AND coalesce(shown, instruction) = ?4 AND id < ?8 AND key != ?9 \
             ORDER BY id DESC LIMIT ?7",
        )?
        .query_map(
            params![
                parent.map(|parent| parent.0),
                text_hash(recipe.text()),
                recipe.kind,
                recipe.text(),
                place.file,
                place.stage_index,
                column::signed(CLOSE_LOOKS as u64),
                before.0,
                recipe.key().digest().as_bytes(),
            ],
            |row| {
                Ok(Candidate {
                    id: RecordId(row.get(0)?),
                    same_place: row.get(1)?,
                })
            },
        )?
        .collect()
}

fn fewest_differences(
    connection: &Connection,
    candidates: Vec<Candidate>,
    recipe: &Recipe,
) -> rusqlite::Result<Option<RecordId>> {
    if candidates.is_empty() {
        return Ok(None);
    }
    let inputs = sketch(recipe);
    let mut ranked = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let differing = differing(&inputs, &stored_sketch(connection, candidate.id)?);
        ranked.push((
            !candidate.same_place,
            differing,
            std::cmp::Reverse(candidate.id),
        ));
    }
    Ok(ranked.into_iter().min().map(|(_, _, id)| id.0))
}

/// An input reduced to what is cheap to compare: name, text, digest.
type Sketch = (String, Option<String>, Option<[u8; 32]>);

fn sketch(recipe: &Recipe) -> Vec<Sketch> {
    let mut sketch: Vec<Sketch> = recipe
        .inputs
        .iter()
        .map(|input| {
            let (text, digest) = small_columns(&input.value);
            (
                input.name.clone(),
                text,
                digest.map(|digest| *digest.as_bytes()),
            )
        })
        .collect();
    sketch.sort();
    sketch
}

fn stored_sketch(connection: &Connection, id: RecordId) -> rusqlite::Result<Vec<Sketch>> {
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    connection
        .prepare_cached(
            "SELECT name, text, digest FROM inputs WHERE record = ?1 ORDER BY name, text, digest",
        )?
        .query_map([id.0], read)?
        .collect()
}

fn differing(ours: &[Sketch], theirs: &[Sketch]) -> usize {
    let missing = |from: &[Sketch], of: &[Sketch]| {
        of.iter()
            .filter(|input| from.binary_search(input).is_err())
            .count()
    };
    missing(theirs, ours) + missing(ours, theirs)
}

fn at_same_place(
    connection: &Connection,
    parent: Option<RecordId>,
    place: &Place,
    key: &CacheKey,
    before: RecordId,
) -> rusqlite::Result<Option<RecordId>> {
    connection
        .prepare_cached(
            "SELECT id FROM (SELECT id, parent, stage_index, stage_name FROM records \
             WHERE file = ?2 AND position = ?3 AND id < ?7 AND key != ?8 \
             ORDER BY id DESC LIMIT ?6) \
             WHERE parent IS ?1 AND (stage_index = ?4 OR stage_name = ?5) \
             ORDER BY id DESC LIMIT 1",
        )?
        .query_row(
            params![
                parent.map(|parent| parent.0),
                place.file,
                place.position,
                place.stage_index,
                place.stage_name,
                column::signed(PLACE_LOOKS as u64),
                before.0,
                key.digest().as_bytes(),
            ],
            |row| row.get(0).map(RecordId),
        )
        .optional()
}

/// Base images have no parent in common: a FROM of another text elsewhere is no sibling.
fn newest_of_kind(
    connection: &Connection,
    parent: Option<RecordId>,
    recipe: &Recipe,
    before: RecordId,
) -> rusqlite::Result<Option<RecordId>> {
    let Some(parent) = parent else {
        return Ok(None);
    };
    connection
        .prepare_cached(
            "SELECT id FROM records WHERE parent = ?1 AND kind = ?2 AND id < ?3 AND key != ?4 \
             ORDER BY id DESC LIMIT 1",
        )?
        .query_row(
            params![
                parent.0,
                recipe.kind,
                before.0,
                recipe.key().digest().as_bytes()
            ],
            |row| row.get(0).map(RecordId),
        )
        .optional()
}

/// What stood at a place before, whatever it was made on.
fn before_at(
    connection: &Connection,
    place: &Place,
    key: &CacheKey,
    before: RecordId,
) -> rusqlite::Result<Option<RecordId>> {
    connection
        .prepare_cached(
            "SELECT id FROM records WHERE file = ?1 AND position = ?2 \
             AND (stage_index = ?3 OR stage_name = ?4) AND id < ?5 AND key != ?6 \
             ORDER BY id DESC LIMIT 1",
        )?
        .query_row(
            params![
                place.file,
                place.position,
                place.stage_index,
                place.stage_name,
                before.0,
                key.digest().as_bytes()
            ],
            |row| row.get(0).map(RecordId),
        )
        .optional()
}
