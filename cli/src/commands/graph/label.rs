//! What is written on nodes and edges, whatever the language of the graph.

use iechor_engine::history::StepEntry;
use iechor_engine::picture::{Edge, EdgeKind, Graph};

/// Characters of an instruction, or of a reason, on a node or an edge.
const LONGEST: usize = 60;

/// The stages of a graph: index, name, and their steps from FROM on.
pub(super) fn stages(graph: &Graph) -> Vec<(u32, &str, Vec<&StepEntry>)> {
    let mut stages: Vec<(u32, &str, Vec<&StepEntry>)> = Vec::new();
    for step in &graph.steps {
        match stages.last_mut() {
            Some((index, _, steps)) if *index == step.stage_index => steps.push(step),
            _ => stages.push((step.stage_index, &step.stage, vec![step])),
        }
    }
    stages
}

/// Number, instruction and outcome of a step, a line each.
pub(super) fn of_step(step: &StepEntry) -> [String; 2] {
    let title = format!("{} {}", step.label, short(&step.text));
    let seconds = step.duration_ms as f64 / 1000.0;
    [title, format!("{}, {seconds:.1}s", step.outcome)]
}

/// On the edge that leads to a step which was executed: why. An edge between stages has no reason
/// of its own.
pub(super) fn of_edge(graph: &Graph, edge: &Edge) -> Option<String> {
    let step = graph.steps.iter().find(|step| step.number == edge.to)?;
    let is_reason = edge.kind == EdgeKind::Next && step.outcome == "miss";
    let reason = step.reason.as_ref().filter(|_| is_reason);
    reason.map(|reason| short(reason))
}

/// One line without control characters, cut.
fn short(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    match line.chars().count() {
        0..=LONGEST => line,
        _ => line.chars().take(LONGEST - 1).chain(['…']).collect(),
    }
}
