//! Graphviz.

use iechor_engine::history::StepEntry;
use iechor_engine::picture::{Edge, EdgeKind, Graph};

use super::label;

/// What holds for the whole graph.
const HEAD: &str = "\
digraph build {
  rankdir=TB;
  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\", fontsize=11, color=\"#57606a\"];
  edge [fontname=\"sans-serif\", fontsize=9, color=\"#57606a\"];
";

/// The graph, a cluster for each stage.
pub(super) fn render(graph: &Graph) -> String {
    let stages = label::stages(graph).into_iter().map(cluster);
    let edges = graph.edges.iter().map(|one| edge(graph, one));
    let lines: String = stages.chain(edges).collect();
    format!("{HEAD}{lines}}}\n")
}

fn cluster((index, name, steps): (u32, &str, Vec<&StepEntry>)) -> String {
    let nodes: String = steps.into_iter().map(node).collect();
    let name = quoted(&format!("stage {name}"));
    format!("  subgraph cluster_{index} {{\n    label={name};\n{nodes}  }}\n")
}

fn node(step: &StepEntry) -> String {
    let (lines, fill) = (label::of_step(step).join("\n"), fill(step.outcome));
    format!(
        "    s{} [label={}, fillcolor=\"{fill}\"];\n",
        step.number,
        quoted(&lines)
    )
}

fn fill(outcome: &str) -> &'static str {
    match outcome {
        "hit" => "#d7f0dd",
        "miss" => "#fbdcc4",
        "failed" => "#f6b8b5",
        _ => "#e6e8eb",
    }
}

fn edge(graph: &Graph, edge: &Edge) -> String {
    let style = match edge.kind {
        EdgeKind::Next => "solid",
        EdgeKind::Base => "bold",
        EdgeKind::Files => "dashed",
    };
    let label = label::of_edge(graph, edge).unwrap_or_default();
    format!(
        "  s{} -> s{} [style={style}, label={}];\n",
        edge.from,
        edge.to,
        quoted(&label)
    )
}

/// A string of the DOT language. A backslash would begin an escape of the label, so it is doubled.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted() {
        assert_eq!(quoted("a\nb"), r#""a\nb""#);
        assert_eq!(quoted(r#"RUN echo "\n""#), r#""RUN echo \"\\n\"""#);
    }
}
