//! Ids by their first digits: images, then cached steps and snapshots.

use iechor_cachedb::{CacheError, Image, Record};

use super::{Found, Kind, Origin, ReferenceError};
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
        (images, records) => Err(ambiguous(text, images, records)),
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
        origin: Origin::Record(record.id),
    }
}

/// Candidates of both kinds, or the first error that is none of ambiguity.
fn ambiguous(
    text: &str,
    images: Result<Image, CacheError>,
    records: Result<Record, CacheError>,
) -> ReferenceError {
    let images = images.map(|image| image.id.short());
    let records = records.map(|record| record.key.short());
    let all = candidates("image", images)
        .and_then(|images| Ok([images, candidates("step", records)?].concat()));
    match all {
        Ok(candidates) => ReferenceError::Ambiguous {
            prefix: text.to_owned(),
            candidates,
        },
        Err(error) => error.into(),
    }
}

fn candidates(kind: &str, found: Result<String, CacheError>) -> Result<Vec<String>, CacheError> {
    let ids = match found {
        Ok(id) => vec![id],
        Err(CacheError::NotFound { .. }) => Vec::new(),
        Err(CacheError::Ambiguous { candidates, .. }) => candidates,
        Err(other) => return Err(other),
    };
    Ok(ids.iter().map(|id| format!("{kind} {id}")).collect())
}
