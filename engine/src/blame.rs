//! Which step wrote a file: `iechor blame REF:PATH`.
//!
//! The layers are asked from the top; each says by its index whether it has the path, without a look
//! at any other file. A path that is not there can be asked for, too: then the first answer is who
//! deleted it.

mod author;
mod trace;

use std::path::PathBuf;

use iechor_cachedb::CacheError;
use iechor_snapshotter::tree::Follow;

pub use self::author::Author;
pub(crate) use self::author::Authors;
pub use self::trace::Deed;
use crate::files::{FilesError, Location, absolute};
use crate::state::Engine;

/// What one layer did to a path.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Touch {
    /// What it did.
    #[serde(flatten)]
    pub deed: Deed,
    /// The layer's place in the chain, counted from 1 at the base.
    pub layer: usize,
    /// The snapshot that it makes, `sha256:…`.
    pub snapshot: String,
    /// Whose layer it is.
    pub author: Author,
}

/// Who wrote a file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Blame {
    /// The path, absolute and without links before its end.
    #[serde(serialize_with = "crate::files::serialize_path")]
    pub path: PathBuf,
    /// What its layers did to it, newest first; never empty. The first one says why it is as it is.
    pub touches: Vec<Touch>,
}

/// Why it could not be told who wrote a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlameError {
    /// There is no such file and never was, or it could not be looked up.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The database could not be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// Tells what each layer did to the path of a location. A directory counts as written by every layer
/// that changed something in it.
///
/// # Errors
///
/// [`FilesError::NotFound`] when no layer knows the path.
pub fn blame(engine: &Engine, location: &Location) -> Result<Blame, BlameError> {
    let tree = location.files.tree();
    let path = real_path(location)?;
    let deeds = trace::deeds(tree.chain(), &path);
    if deeds.is_empty() {
        location.files.node(&location.path, Follow::NotLast)?;
    }
    let authors = author::Authors::load(engine)?;
    let touches = deeds.into_iter().map(|(layer, deed)| {
        let snapshot = tree.chain().layers()[layer].id();
        Touch {
            deed,
            layer: layer + 1,
            snapshot: snapshot.to_string(),
            author: authors.of(&snapshot),
        }
    });
    Ok(Blame {
        touches: touches.collect(),
        path: absolute(&path),
    })
}

/// A link at the end is what is asked about; of a path that is gone only the way there counts.
fn real_path(location: &Location) -> Result<PathBuf, FilesError> {
    let tree = location.files.tree();
    match tree.resolve(&location.path, Follow::NotLast)? {
        Some(node) => Ok(node.path().to_owned()),
        None => Ok(tree.real_path(&location.path)?),
    }
}
