//! What each step of a build depends on.

use crate::history::StepEntry;

/// Why one step had to wait for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EdgeKind {
    /// It stands after it in the same stage.
    Next,
    /// FROM names the other one's stage.
    Base,
    /// It takes files from the other one's stage: COPY --from, a mount.
    Files,
}

/// One step depends on another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Edge {
    /// Number of the step that must be done first.
    pub from: u32,
    /// Number of the step that depends on it.
    pub to: u32,
    /// Why.
    pub kind: EdgeKind,
}

/// The edges of a build; `steps` are sorted by stage and position.
pub(super) fn of(steps: &[StepEntry]) -> Vec<Edge> {
    let in_stages = steps.windows(2).filter_map(|pair| next(&pair[0], &pair[1]));
    let across = steps.iter().flat_map(|step| taken(steps, step));
    in_stages.chain(across).collect()
}

fn next(one: &StepEntry, other: &StepEntry) -> Option<Edge> {
    (one.stage_index == other.stage_index).then_some(Edge {
        from: one.number,
        to: other.number,
        kind: EdgeKind::Next,
    })
}

/// The ends of the stages that a step takes its base or files from.
fn taken<'a>(steps: &'a [StepEntry], step: &'a StepEntry) -> impl Iterator<Item = Edge> + 'a {
    let kind = match step.position {
        0 => EdgeKind::Base,
        _ => EdgeKind::Files,
    };
    let ends = step.takes_from.iter().filter_map(move |stage| {
        let end = steps.iter().rfind(|other| other.stage_index == *stage);
        end.map(|end| end.number)
    });
    ends.map(move |from| Edge {
        from,
        to: step.number,
        kind,
    })
}
