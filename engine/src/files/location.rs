//! `REF:PATH`: a file of an image, stage, step or snapshot.
//!
//! A REF may have colons of its own (`app:v1`, `build:2`, `sha256:9f2c…`), a path may be anything.
//! What follows the first `:/` is the path. Without one, the whole text is taken for a REF first;
//! if there is no such thing, what follows its last colon is a path from the root.

use std::path::PathBuf;

use super::{Files, FilesError};
use crate::reference::ReferenceError;
use crate::state::Engine;

/// A path in the files of a REF; the root when none was given.
#[derive(Debug)]
pub struct Location {
    /// The files.
    pub files: Files,
    /// The path in them, as written.
    pub path: PathBuf,
}

/// Opens what `REF` or `REF:PATH` stands for; whether there is anything at the path is not asked.
///
/// # Errors
///
/// As [`Files::open`].
pub fn locate(engine: &Engine, text: &str) -> Result<Location, FilesError> {
    if let Some(colon) = text.find(":/") {
        return at(engine, &text[..colon], &text[colon + 1..]);
    }
    match (at(engine, text, ""), text.rsplit_once(':')) {
        (Err(unknown), Some((reference, path))) if is_unknown(&unknown) => {
            at(engine, reference, path).map_err(|error| match is_unknown(&error) {
                true => unknown,
                false => error,
            })
        }
        (found, _) => found,
    }
}

/// Opens what `REF:PATH` stands for; the path must be written.
///
/// # Errors
///
/// [`FilesError::NoPath`]; as [`locate`].
pub fn locate_path(engine: &Engine, text: &str) -> Result<Location, FilesError> {
    let location = locate(engine, text)?;
    if location.path.as_os_str().is_empty() {
        return Err(FilesError::NoPath(text.to_owned()));
    }
    Ok(location)
}

fn at(engine: &Engine, reference: &str, path: &str) -> Result<Location, FilesError> {
    Ok(Location {
        files: Files::open(engine, reference)?,
        path: PathBuf::from(path),
    })
}

fn is_unknown(error: &FilesError) -> bool {
    matches!(error, FilesError::Reference(ReferenceError::NotFound(_)))
}
