//! The configuration that belongs to a state, and what goes on from it.

use iechor_cachedb::{BuildStep, RecordId};
use iechor_image::config::History;
use iechor_image::{ImageConfig, Platform};

use super::{Found, Origin, ReferenceError};
use crate::state::Engine;

/// What an image that is made of a state starts from.
#[derive(Debug, Clone)]
pub(crate) struct Basis {
    /// The configuration in force there. That of a step lacks diff IDs, as those of records do.
    pub(crate) config: ImageConfig,
    /// The record that the state is the result of, or was made on; none for images that were
    /// pulled.
    pub(crate) record: Option<RecordId>,
}

/// The configuration in force at what was found.
pub(crate) fn basis(engine: &Engine, found: &Found) -> Result<Basis, ReferenceError> {
    match &found.origin {
        Origin::Image(image) => Ok(Basis {
            config: parse(&image.config, found)?,
            record: image.record,
        }),
        Origin::Record(record) => of_record(engine, Some(*record), found),
        Origin::Failed(step) => of_failed(engine, step, found),
    }
}

fn of_record(
    engine: &Engine,
    record: Option<RecordId>,
    found: &Found,
) -> Result<Basis, ReferenceError> {
    let config = match record {
        Some(record) => parse(&engine.cache().config(record)?, found)?,
        None => ImageConfig::scratch(&Platform::host()),
    };
    Ok(Basis { config, record })
}

/// That of the step before, and an entry in the history for the layer that the failed step left.
fn of_failed(engine: &Engine, failed: &BuildStep, found: &Found) -> Result<Basis, ReferenceError> {
    let mut basis = of_record(engine, failed.step.parent, found)?;
    let before = match basis.record {
        Some(record) => engine
            .cache()
            .record(record)?
            .and_then(|record| record.snapshot),
        None => None,
    };
    basis.config.history.push(History {
        created_by: failed.step.text.clone(),
        comment: "iechor: this step failed".to_owned(),
        empty_layer: before == failed.step.snapshot,
        ..History::default()
    });
    Ok(basis)
}

fn parse(config: &str, found: &Found) -> Result<ImageConfig, ReferenceError> {
    ImageConfig::parse(config.as_bytes()).map_err(|source| ReferenceError::Config {
        title: found.title.clone(),
        source,
    })
}
