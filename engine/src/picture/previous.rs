//! How the same file was built before.

use std::collections::HashMap;

use iechor_cachedb::BuildId;

use super::{Graph, PictureError};
use crate::history::{self, BuildEntry, StepEntry};
use crate::state::Engine;

/// The build of the same file, context and target before this one.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Previous {
    /// That build.
    pub build: BuildEntry,
    /// What stood in the place of this build's steps, one each where there was something.
    pub steps: Vec<Before>,
    /// How many of its steps are not there any more.
    pub gone: usize,
}

/// What stood in the place of a step.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Before {
    /// Number of the step in this build.
    pub number: u32,
    /// The instruction then.
    pub text: String,
    /// How it went then.
    pub outcome: &'static str,
    /// What it took then, in milliseconds.
    pub duration_ms: u64,
}

/// Where a step stands: a stage goes by its name, else by its index.
type Place<'a> = (&'a str, u32);

pub(super) fn of(engine: &Engine, graph: &Graph) -> Result<Option<Previous>, PictureError> {
    let Some(build) = engine.cache().build_before(BuildId(graph.build.id))? else {
        return Ok(None);
    };
    let steps = history::steps(engine, build.0)?;
    let mut then: HashMap<Place<'_>, &StepEntry> = steps.iter().map(placed).collect();
    let now = graph.steps.iter();
    let found: Vec<Before> = now
        .filter_map(|step| Some(before(step.number, then.remove(&placed(step).0)?)))
        .collect();
    Ok(Some(Previous {
        build: history::build(engine, build.0)?,
        steps: found,
        gone: then.len(),
    }))
}

fn placed(step: &StepEntry) -> (Place<'_>, &StepEntry) {
    ((step.stage.as_str(), step.position), step)
}

fn before(number: u32, then: &StepEntry) -> Before {
    Before {
        number,
        text: then.text.clone(),
        outcome: then.outcome,
        duration_ms: then.duration_ms,
    }
}
