//! Ids by their first digits: images, then cached steps and snapshots.

use iechor_cachedb::{CacheError, Image, Record};

use super::{Found, Kind, Origin, ReferenceError};
use crate::build::step::first_line;
use crate::state::Engine;

/// What is named by the first digits of its id; none when the text is no such thing, or nothing
/// begins so.
pub(super) fn find(engine: &Engine, text: &str) -> Result<Option<Found>, ReferenceError> {
    let Some(digits) = digits_of(text) else {
        return Ok(None);
    };
    let images = engine.cache().image_by_prefix(digits);
    let records = engine.cache().find_by_prefix(digits);
    match (images, records) {
        (Ok(image), Err(CacheError::NotFound { .. })) => Ok(Some(of_image(image))),
        (Err(CacheError::NotFound { .. }), Ok(record)) => Ok(Some(of_record(record, digits))),
        (Err(CacheError::NotFound { .. }), Err(CacheError::NotFound { .. })) => Ok(None),
        (images, records) => Err(ambiguous(engine, text, images, records)),
    }
}

/// The hexadecimal digits of an id or of its beginning.
pub(super) fn digits_of(text: &str) -> Option<&str> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    let is_hex = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    (!digits.is_empty() && digits.len() <= 64 && digits.bytes().all(is_hex)).then_some(digits)
}

fn of_image(image: Image) -> Found {
    let title = format!("image {}", image.names.first().unwrap_or(&image.id.short()));
    Found {
        kind: Kind::Image,
        title,
        tip: image.chain.last().copied(),
        step: None,
        origin: Origin::Image(Box::new(image)),
    }
}

fn of_record(record: Record, digits: &str) -> Found {
    let kind = match record.key.hex().starts_with(digits) {
        true => Kind::Step,
        false => Kind::Snapshot,
    };
    Found {
        kind,
        title: format!("step {}", record.text),
        tip: record.snapshot,
        step: None,
        origin: Origin::Record(record.id),
    }
}

/// Candidates of both kinds, or the first error that is none of ambiguity.
fn ambiguous(
    engine: &Engine,
    text: &str,
    images: Result<Image, CacheError>,
    records: Result<Record, CacheError>,
) -> ReferenceError {
    let images = candidates(images.map(|image| image.id.short()));
    let records = candidates(records.map(|record| record.key.short()));
    let all = images.and_then(|images| {
        let images = images.iter().map(|id| image_line(engine, id));
        let records = records?;
        Ok(images
            .chain(records.iter().map(|id| step_line(engine, id)))
            .collect())
    });
    match all {
        Ok(candidates) => ReferenceError::Ambiguous {
            prefix: text.to_owned(),
            candidates,
        },
        Err(error) => error.into(),
    }
}

/// The ids that were found, short.
fn candidates(found: Result<String, CacheError>) -> Result<Vec<String>, CacheError> {
    match found {
        Ok(id) => Ok(vec![id]),
        Err(CacheError::NotFound { .. }) => Ok(Vec::new()),
        Err(CacheError::Ambiguous { candidates, .. }) => Ok(candidates),
        Err(other) => Err(other),
    }
}

/// `image 9f2c… docker.io/library/app:latest`; what cannot be read is told by its id alone.
fn image_line(engine: &Engine, id: &str) -> String {
    let image = engine.cache().image_by_prefix(id).ok();
    let name = image.and_then(|image| image.names.into_iter().next());
    format!("image {id} {}", name.unwrap_or_default())
        .trim_end()
        .to_owned()
}

/// `step 9f2c… RUN make (iEchorfile:3)`.
fn step_line(engine: &Engine, id: &str) -> String {
    match engine.cache().find_by_prefix(id) {
        Ok(record) => format!(
            "step {id} {} ({}:{})",
            first_line(&record.text),
            record.place.file,
            record.place.line
        ),
        Err(_) => format!("step {id}"),
    }
}
