//! What is behind a cache key: the inputs of a recorded step, and how two of them differ.

use iechor_cachedb::{CacheError, FileSet, Input, InputValue, MissReason, Record, RecordId};
use serde::Serialize;

use crate::reference::{self, ReferenceError, Selector};
use crate::state::Engine;

/// Why a step could not be explained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExplainError {
    /// The name stands for nothing, or for too much.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The name stands for something that no single instruction made.
    #[error("{0} is no step: name one by its number, as STAGE:NUMBER, or by its key")]
    NoStep(String),
    /// The step's record was pruned.
    #[error("the record of {0} was pruned: build again")]
    Pruned(String),
    /// The database could not be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// A recorded step.
#[derive(Debug, Clone, Serialize)]
pub struct StepRecord {
    /// Cache key, `sha256:…`.
    pub key: String,
    /// The instruction.
    pub text: String,
    /// `FILE:LINE` where it stood.
    pub place: String,
    /// When it was executed, seconds since the epoch.
    pub created: i64,
}

/// One thing that entered a key.
#[derive(Debug, Clone, Serialize)]
pub struct InputRow {
    /// The cache rule by which it did, `C12`.
    pub rule: String,
    /// `ARG CACHEBUST`, `files src`.
    pub name: String,
    /// Its value; of files, how many and how they were compared.
    pub value: String,
}

/// Why a step was executed.
#[derive(Debug, Clone, Serialize)]
pub struct Execution {
    /// The build that did.
    pub build: i64,
    /// Why it found no result that it could use, in one line, as it said then.
    pub reason: String,
}

/// A step, what entered its key, and what it is most like.
#[derive(Debug, Clone)]
pub struct StepInputs {
    /// The step.
    pub step: StepRecord,
    /// Why it was executed; none when the history does not reach so far back.
    pub executed: Option<Execution>,
    /// What entered its key besides the parent's key, the instruction first.
    pub inputs: Vec<InputRow>,
    /// The older record of another key that it is most like; none when there is none.
    pub older: Option<Difference>,
}

/// How a step differs from another one.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The other one.
    pub from: StepRecord,
    /// What differs, the most telling first; empty when the inputs are equal.
    pub differences: Vec<MissReason>,
}

/// What is behind the key of a step: a number or label of the last build, or a prefix of a key.
///
/// # Errors
///
/// [`ExplainError`], which lists the candidates when there are several.
pub fn why(engine: &Engine, step: &str) -> Result<StepInputs, ExplainError> {
    let record = find(engine, step)?;
    let recipe = engine.cache().recipe(record.id)?;
    let instruction = InputRow {
        rule: "C3".to_owned(),
        name: "instruction".to_owned(),
        value: recipe.instruction.clone(),
    };
    let inputs = recipe.inputs.iter().map(row);
    Ok(StepInputs {
        executed: executed(engine, &record)?,
        inputs: std::iter::once(instruction).chain(inputs).collect(),
        older: older(engine, &record)?,
        step: described(&record),
    })
}

/// How the inputs of two steps differ, from the first to the second.
///
/// # Errors
///
/// As [`why`].
pub fn diff_keys(engine: &Engine, old: &str, new: &str) -> Result<Vec<MissReason>, ExplainError> {
    let (old, new) = (find(engine, old)?, find(engine, new)?);
    let cache = engine.cache();
    let mut differences =
        iechor_cachedb::miss::diff(&cache.recipe(old.id)?, &cache.recipe(new.id)?);
    differences.extend(parents(engine, &old, &new)?);
    Ok(differences)
}

/// The keys of what the two were made on, when they differ: they are in the key (rule C2).
fn parents(
    engine: &Engine,
    old: &Record,
    new: &Record,
) -> Result<Option<MissReason>, ExplainError> {
    let key = |parent: Option<RecordId>| match parent {
        Some(id) => Ok::<_, CacheError>(engine.cache().record(id)?.map(|record| record.key)),
        None => Ok(None),
    };
    let (old, new) = (key(old.parent)?, key(new.parent)?);
    Ok((old != new).then(|| MissReason::DigestChanged {
        name: "key of the step before".to_owned(),
        renamed: None,
        old: old.map(|key| *key.digest()),
        new: new.map(|key| *key.digest()),
    }))
}

fn find(engine: &Engine, text: &str) -> Result<Record, ExplainError> {
    let found = reference::find(engine, &Selector::Named(text.to_owned()))?;
    let Some(id) = found.record() else {
        return Err(ExplainError::NoStep(found.title));
    };
    let record = engine.cache().record(id)?;
    record.ok_or(ExplainError::Pruned(found.title))
}

fn executed(engine: &Engine, record: &Record) -> Result<Option<Execution>, ExplainError> {
    let step = engine.cache().step_that_made(record.id)?;
    Ok(step.and_then(|made| {
        Some(Execution {
            build: made.build.0,
            reason: made.step.reason?,
        })
    }))
}

fn older(engine: &Engine, record: &Record) -> Result<Option<Difference>, ExplainError> {
    let Some(comparison) = engine.cache().compare_with_older(record)? else {
        return Ok(None);
    };
    let from = engine.cache().record(comparison.older)?;
    Ok(from.map(|from| Difference {
        from: described(&from),
        differences: comparison.differences,
    }))
}

fn described(record: &Record) -> StepRecord {
    StepRecord {
        key: record.key.to_string(),
        text: record.text.clone(),
        place: format!("{}:{}", record.place.file, record.place.line),
        created: record.created.0.div_euclid(1000),
    }
}

fn row(input: &Input) -> InputRow {
    let note = input.note.as_ref().map(|note| format!(" ({note})"));
    InputRow {
        rule: input.rule.to_string(),
        name: input.name.clone(),
        value: value(&input.value) + &note.unwrap_or_default(),
    }
}

fn value(value: &InputValue) -> String {
    match value {
        InputValue::Text(text) => text.clone(),
        InputValue::Digest(digest) => digest.to_string(),
        InputValue::Files(files) => described_files(files),
        InputValue::Properties(properties) => {
            let pairs = properties.iter().filter(|(_, value)| !value.is_empty());
            let pairs: Vec<String> = pairs
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            pairs.join(" ")
        }
    }
}

fn described_files(files: &FileSet) -> String {
    let bytes: u64 = files.files().iter().map(|file| file.size).sum();
    let by = match files.mode() {
        iechor_cachedb::ContextDigest::Metadata => "size and time",
        iechor_cachedb::ContextDigest::Content => "content",
    };
    let count = files.files().len();
    let plural = if count == 1 { "" } else { "s" };
    format!(
        "{count} file{plural}, {bytes} bytes, by {by}: {}",
        files.digest()
    )
}
