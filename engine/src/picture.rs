//! A past build as pictures need it: `iechor report`, `iechor graph`.
//!
//! The steps and what they depend on, the path that the time went along, the image by layer and
//! directory, and how the same file was built before. All of it is read from the index and the layer
//! indexes; no file of the image is opened.

mod anatomy;
mod critical;
mod edges;
mod previous;

use iechor_cachedb::{BuildId, CacheError};
use iechor_snapshotter::StoreError;

pub use self::anatomy::{Anatomy, LayerPart, Part};
pub use self::critical::CriticalPath;
pub use self::edges::{Edge, EdgeKind};
pub use self::previous::{Before, Previous};
use crate::history::{self, BuildEntry, HistoryError, StepEntry};
use crate::images::ImagesError;
use crate::state::Engine;

/// The steps of a build and what each depends on.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Graph {
    /// The build.
    pub build: BuildEntry,
    /// Its steps, stage by stage, each stage's from FROM on.
    pub steps: Vec<StepEntry>,
    /// What they depend on.
    pub edges: Vec<Edge>,
}

/// All that is shown of a build.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Picture {
    /// The steps.
    #[serde(flatten)]
    pub graph: Graph,
    /// The steps that the build's time went along.
    pub critical: CriticalPath,
    /// What the image is made of; none when the build made none, or it is not here any more.
    pub image: Option<Anatomy>,
    /// The build of the same file before this one.
    pub previous: Option<Previous>,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// Nothing was built here.
    #[error("no build is in the history yet")]
    NoBuild,
    /// The build is not known, or the database could not be used.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The image could not be opened.
    #[error(transparent)]
    Image(#[from] ImagesError),
    /// A layer of the image could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database could not be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// The steps of a build, the last one when none is given, and what they depend on.
///
/// # Errors
///
/// [`PictureError::NoBuild`]; [`HistoryError::NotFound`].
pub fn graph(engine: &Engine, build: Option<i64>) -> Result<Graph, PictureError> {
    let build = match build {
        Some(number) => number,
        None => last(engine)?,
    };
    let mut steps = history::steps(engine, build)?;
    steps.sort_by_key(|step| (step.stage_index, step.position));
    Ok(Graph {
        build: history::build(engine, build)?,
        edges: edges::of(&steps),
        steps,
    })
}

/// Everything about a build, the last one when none is given.
///
/// # Errors
///
/// As [`graph`]; [`PictureError::Store`] when the image's layers are damaged.
pub fn picture(engine: &Engine, build: Option<i64>) -> Result<Picture, PictureError> {
    let graph = graph(engine, build)?;
    Ok(Picture {
        critical: critical::path(&graph),
        image: anatomy::of_build(engine, BuildId(graph.build.id))?,
        previous: previous::of(engine, &graph)?,
        graph,
    })
}

fn last(engine: &Engine) -> Result<i64, PictureError> {
    let newest = engine.cache().last_build()?;
    newest.map(|build| build.id.0).ok_or(PictureError::NoBuild)
}
