//! What a REF on the command line stands for: `iechor mount REF`, `iechor ls REF:PATH`.
//!
//! Tried in this order; the first that knows the text decides:
//!
//! | REF | stands for |
//! | --- | --- |
//! | `app`, `docker.io/library/app:v1` | an image of the local list |
//! | `build` | the end of a stage, in the newest build that has it |
//! | `2` | a step of the last build, as the progress numbered it |
//! | `build:2` | the instruction that the progress labels `[build 2/…]`; FROM is 1 |
//! | `9f2c…`, `sha256:9f2c…` | an image id, else a cache key or snapshot id; prefixes suffice |

mod absence;
mod basis;
mod prefix;

use iechor_cachedb::{BuildStep, CacheError, Image, MissReason, RecordId, StepId};
use iechor_image::config::ConfigError;
use iechor_snapshotter::{Chain, SnapshotId, StoreError};

pub use self::absence::Absence;
pub(crate) use self::basis::{Basis, basis};
use crate::images::{self, ImagesError};
use crate::state::Engine;

/// What kind of thing a REF turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An image of the local list.
    Image,
    /// The end of a stage.
    Stage,
    /// A step of the last build, or any cached one by key.
    Step,
    /// A snapshot by id.
    Snapshot,
    /// What a failed step left.
    Failed,
}

/// A REF resolved.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What kind of thing it is.
    pub kind: Kind,
    /// What to call it: `image docker.io/library/app:latest`, `step RUN make`.
    pub title: String,
    /// Its root file system.
    pub chain: Chain,
}

impl Resolved {
    /// The snapshot on top; none for an image from scratch without files.
    pub fn tip(&self) -> Option<SnapshotId> {
        self.chain.tip()
    }
}

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// A REF as typed.
    Named(String),
    /// `--failed`: the newest kept state of a failed step.
    Failed,
}

/// Why a REF stands for nothing, or for too much.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// Nothing has such a name.
    #[error("{0:?} is no image, no stage or step of the last build, and no id of a cached result")]
    NotFound(String),
    /// A prefix fits several things.
    #[error("{prefix:?} is ambiguous: it may be\n  {}", .candidates.join("\n  "))]
    Ambiguous {
        /// What was asked for.
        prefix: String,
        /// What it fits, each with its kind and its instruction or name.
        candidates: Vec<String>,
    },
    /// No state of a failed step is kept.
    #[error("no failed step is kept: the last builds succeeded, or their states were pruned")]
    NothingFailed,
    /// The step has no result.
    #[error("{title} {absence}")]
    NoResult {
        /// What it was looked up as.
        title: String,
        /// What became of it.
        absence: Absence,
    },
    /// It is the key of a record that was pruned.
    #[error("the cached result {key} was {pruned}: build again")]
    Pruned {
        /// What was asked for.
        key: String,
        /// When.
        pruned: MissReason,
    },
    /// The snapshot is not in the store any more.
    #[error("the snapshot of {title} is not here any more: pruned, or damaged")]
    Gone {
        /// What it was looked up as.
        title: String,
        /// What the store says.
        source: StoreError,
    },
    /// Its configuration is not what was written.
    #[error("the configuration of {title} is damaged: build or pull it again")]
    Config {
        /// What it was looked up as.
        title: String,
        /// What is wrong with it.
        source: ConfigError,
    },
    /// The image list could not be used.
    #[error(transparent)]
    Images(#[from] ImagesError),
    /// The database could not be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// Something found, before its chain is opened.
pub(crate) struct Found {
    kind: Kind,
    /// What to call it.
    pub(crate) title: String,
    /// The snapshot on top; none stands for an empty file system.
    pub(crate) tip: Option<SnapshotId>,
    /// What stands behind it.
    pub(crate) origin: Origin,
    /// The step of a build that it was found as; none when the name is of no build.
    step: Option<StepId>,
}

/// What stands behind a state: who has its configuration.
#[derive(Debug)]
pub(crate) enum Origin {
    /// An image of the local list.
    Image(Box<Image>),
    /// A cached step.
    Record(RecordId),
    /// A failed step of the history.
    Failed(Box<BuildStep>),
}

impl Found {
    /// What kind of thing it is.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The record behind it; none for images and failed steps.
    pub(crate) fn record(&self) -> Option<RecordId> {
        match &self.origin {
            Origin::Record(record) => Some(*record),
            Origin::Image(_) | Origin::Failed(_) => None,
        }
    }

    /// The step of a build that it stands for: what an id names is that of the newest build that
    /// used it. None for images.
    pub(crate) fn step(&self, engine: &Engine) -> Result<Option<StepId>, CacheError> {
        match (self.step, self.record()) {
            (None, Some(record)) => {
                let newest = engine.cache().last_step_of_record(record)?;
                Ok(newest.map(|step| step.id))
            }
            (step, _) => Ok(step),
        }
    }
}

/// Finds what a REF stands for.
///
/// # Errors
///
/// [`ReferenceError`], which lists the candidates when there are several.
pub fn resolve(engine: &Engine, selector: &Selector) -> Result<Resolved, ReferenceError> {
    open(engine, find(engine, selector)?)
}

/// Finds what a REF stands for and opens nothing.
pub(crate) fn find(engine: &Engine, selector: &Selector) -> Result<Found, ReferenceError> {
    match selector {
        Selector::Failed => failed(engine),
        Selector::Named(text) => named(engine, text),
    }
}

/// Opens the chain of what was found.
pub(crate) fn open(engine: &Engine, found: Found) -> Result<Resolved, ReferenceError> {
    let Found {
        kind, title, tip, ..
    } = found;
    let chain = match tip.map(|tip| engine.store().chain(tip)).transpose() {
        Ok(chain) => chain.unwrap_or_default(),
        Err(source) => return Err(ReferenceError::Gone { title, source }),
    };
    Ok(Resolved { kind, title, chain })
}

fn failed(engine: &Engine) -> Result<Found, ReferenceError> {
    let newest = engine.cache().failed_steps()?.into_iter().next();
    let failed = newest.ok_or(ReferenceError::NothingFailed)?;
    Ok(Found {
        kind: Kind::Failed,
        title: format!("failed step {}", failed.step.text),
        tip: failed.step.snapshot,
        step: Some(failed.id),
        origin: Origin::Failed(Box::new(failed)),
    })
}

fn named(engine: &Engine, text: &str) -> Result<Found, ReferenceError> {
    let kinds = [image, step_by_number, step_of_stage, stage, prefix::find];
    for find in kinds {
        if let Some(found) = find(engine, text)? {
            return Ok(found);
        }
    }
    Err(absence::of_key(engine, text)?.unwrap_or_else(|| ReferenceError::NotFound(text.to_owned())))
}

fn image(engine: &Engine, text: &str) -> Result<Option<Found>, ReferenceError> {
    let found = images::by_name(engine, text)?.map(|image| Found {
        kind: Kind::Image,
        title: format!("image {text}"),
        tip: image.chain.last().copied(),
        step: None,
        origin: Origin::Image(Box::new(image)),
    });
    Ok(found)
}

/// A step as the progress of the last build numbered it; longer numbers are prefixes of ids.
fn step_by_number(engine: &Engine, text: &str) -> Result<Option<Found>, ReferenceError> {
    match text.parse() {
        Ok(number) => of_step(engine.cache().step_by_number(number)?, Kind::Step),
        Err(_) => Ok(None),
    }
}

/// `STAGE:NUMBER` in the newest build that has the stage.
fn step_of_stage(engine: &Engine, text: &str) -> Result<Option<Found>, ReferenceError> {
    let split = text.rsplit_once(':');
    let Some((stage, Ok(number))) = split.map(|(stage, at)| (stage, at.parse::<u32>())) else {
        return Ok(None);
    };
    let Some(last) = engine.cache().last_step_of_stage(stage)? else {
        return Ok(None);
    };
    let is_meant = |step: &BuildStep| {
        let (place, wanted) = (&step.step.place, &last.step.place);
        place.stage_index == wanted.stage_index && place.position.checked_add(1) == Some(number)
    };
    of_step(
        engine.cache().steps(last.build)?.into_iter().find(is_meant),
        Kind::Step,
    )
}

fn stage(engine: &Engine, text: &str) -> Result<Option<Found>, ReferenceError> {
    of_step(engine.cache().last_step_of_stage(text)?, Kind::Stage)
}

fn of_step(step: Option<BuildStep>, kind: Kind) -> Result<Option<Found>, ReferenceError> {
    let Some(found) = step else {
        return Ok(None);
    };
    let step = &found.step;
    let title = match (kind, &step.place.stage_name) {
        (Kind::Stage, Some(name)) => format!("stage {name}"),
        (Kind::Stage, None) => format!("stage {}", step.place.stage_index),
        _ => format!("step {}", step.text),
    };
    let Some(record) = step.record else {
        let absence = Absence::of(&found);
        return Err(ReferenceError::NoResult { title, absence });
    };
    Ok(Some(Found {
        kind,
        title,
        tip: step.snapshot,
        step: Some(found.id),
        origin: Origin::Record(record),
    }))
}
