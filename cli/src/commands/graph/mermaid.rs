//! Mermaid.

use iechor_engine::history::StepEntry;
use iechor_engine::picture::{Edge, EdgeKind, Graph};

use super::label;

/// How each outcome is coloured.
const CLASSES: &str = "\
  classDef hit fill:#d7f0dd,stroke:#2f7d4a,color:#10331e
  classDef miss fill:#fbdcc4,stroke:#b5541b,color:#3d1c06
  classDef failed fill:#f6b8b5,stroke:#b3261e,color:#3d0b08
  classDef cancelled fill:#e6e8eb,stroke:#57606a,color:#24292f
";

/// The graph, a subgraph for each stage.
pub(super) fn render(graph: &Graph) -> String {
    let stages = label::stages(graph).into_iter().map(subgraph);
    let edges = graph.edges.iter().map(|one| edge(graph, one));
    let lines: String = stages.chain(edges).collect();
    format!("flowchart TB\n{lines}{CLASSES}")
}

fn subgraph((index, name, steps): (u32, &str, Vec<&StepEntry>)) -> String {
    let nodes: String = steps.into_iter().map(node).collect();
    let name = quoted(&format!("stage {name}"));
    format!("  subgraph stage{index}[{name}]\n{nodes}  end\n")
}

fn node(step: &StepEntry) -> String {
    let lines = label::of_step(step).map(|line| escaped(&line));
    let label = lines.join("<br/>");
    format!("    s{}[\"{label}\"]:::{}\n", step.number, step.outcome)
}

fn edge(graph: &Graph, edge: &Edge) -> String {
    let arrow = match edge.kind {
        EdgeKind::Next => "-->",
        EdgeKind::Base => "==>",
        EdgeKind::Files => "-.->",
    };
    let label = label::of_edge(graph, edge).map(|label| format!("|{}|", quoted(&label)));
    format!(
        "  s{} {arrow}{} s{}\n",
        edge.from,
        label.unwrap_or_default(),
        edge.to
    )
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// Everything but letters, digits and harmless marks as Mermaid's entities: labels are Markdown and
/// HTML otherwise.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            c if c.is_alphanumeric() || " .,:/=+-[]()@…".contains(c) => escaped.push(c),
            c => escaped.push_str(&format!("#{};", u32::from(c))),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_label_is_markup() {
        assert_eq!(escaped("[1/2] RUN a-b"), "[1/2] RUN a-b");
        assert_eq!(escaped("\"</script>`#"), "#34;#60;/script#62;#96;#35;");
    }
}
