//! The steps that a build's time went along.

use std::collections::HashSet;

use super::{Edge, EdgeKind, Graph};
use crate::history::StepEntry;

/// From the first step to the one that ended last, each the last of what the next one waited for.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct CriticalPath {
    /// Numbers of the steps, in the order in which they were executed.
    pub steps: Vec<u32>,
    /// What they took together, in milliseconds.
    pub duration_ms: u64,
}

/// Walks back from the step that ended last.
pub(super) fn path(graph: &Graph) -> CriticalPath {
    let mut steps = Vec::new();
    let mut seen = HashSet::new();
    let mut at = graph.steps.iter().max_by_key(|step| end(step));
    while let Some(step) = at.filter(|step| seen.insert(step.number)) {
        steps.push(step);
        at = waited_for(graph, step);
    }
    steps.reverse();
    CriticalPath {
        duration_ms: steps.iter().map(|step| step.duration_ms).sum(),
        steps: steps.iter().map(|step| step.number).collect(),
    }
}

/// Of all that a step waited for, what was done last. A stage begins when the stages that any of its
/// steps takes from are done (`build/schedule.rs`): its FROM waits for all of them.
fn waited_for<'a>(graph: &'a Graph, step: &StepEntry) -> Option<&'a StepEntry> {
    let waits = |edge: &Edge| match step.position {
        0 => edge.kind != EdgeKind::Next && stage_of(graph, edge.to) == Some(step.stage_index),
        _ => edge.kind == EdgeKind::Next && edge.to == step.number,
    };
    let edges = graph.edges.iter().filter(|edge| waits(edge));
    let before = edges.filter_map(|edge| find(graph, edge.from));
    before.max_by_key(|step| end(step))
}

fn find(graph: &Graph, number: u32) -> Option<&StepEntry> {
    graph.steps.iter().find(|step| step.number == number)
}

fn stage_of(graph: &Graph, number: u32) -> Option<u32> {
    find(graph, number).map(|step| step.stage_index)
}

/// Steps that end in the same millisecond are in the order of their numbers.
fn end(step: &StepEntry) -> (u64, u32) {
    (step.begun_ms.saturating_add(step.duration_ms), step.number)
}
