//! `iechor graph`: read back by Graphviz, and by rules of Mermaid.

use std::fs;

use serde_json::Value;

use crate::support::{TestEnv, tool};

const PROJECT: &str = r#"FROM base AS made
ARG N=1
RUN echo "\"quoted\" \n <b> | {x} # ; $N" > /made
FROM made AS more
FROM base
COPY --from=made /made /made
RUN --mount=type=bind,from=more,target=/m cat /m/made
"#;

fn built() -> TestEnv {
    let env = TestEnv::with_base();
    env.build_text(PROJECT, &[]).success();
    env.build_text(PROJECT, &["--build-arg", "N=2"]).success();
    env
}

/// The graph as Graphviz understood it.
fn parsed(env: &TestEnv) -> Value {
    let text = env.run(["graph"]).success().stdout;
    let path = env.path("graph.dot");
    fs::write(&path, text).unwrap();
    let json = tool::run("dot", ["-Tdot_json", path.to_str().unwrap()]).success();
    assert_eq!(json.stderr, "");
    tool::json(&json.stdout)
}

#[test]
fn graphviz_reads_steps_stages_and_edges() {
    let env = built();
    let graph = parsed(&env);
    let objects = graph["objects"].as_array().unwrap();
    let labels = |prefix: &str| -> Vec<&str> {
        objects
            .iter()
            .filter(|object| object["name"].as_str().unwrap().starts_with(prefix))
            .map(|object| object["label"].as_str().unwrap())
            .collect()
    };
    assert_eq!(labels("cluster_"), ["stage made", "stage more", "stage 2"]);
    let steps = labels("s");
    assert_eq!(steps.len(), 7, "{steps:?}");
    let run = steps.iter().find(|label| label.contains("quoted")).unwrap();
    let shown = r#"RUN echo "\\"quoted\\" \\n <b> | {x} # ; $N" > /made"#;
    assert!(run.contains(shown) && run.contains(r"\nmiss, "), "{run}");
    let edges = graph["edges"].as_array().unwrap();
    let styled = |style: &str| edges.iter().filter(|edge| edge["style"] == style).count();
    assert_eq!(
        (styled("solid"), styled("bold"), styled("dashed")),
        (4, 1, 2)
    );
    let labels: Vec<&str> = edges
        .iter()
        .filter_map(|edge| edge["label"].as_str())
        .filter(|label| !label.is_empty())
        .collect();
    assert!(labels.contains(&"ARG N 1 -> 2"), "{labels:?}");
}

#[test]
fn mermaid_has_the_same_graph_and_no_markup_of_the_build() {
    let env = built();
    let text = env.run(["graph", "--format", "mermaid"]).success().stdout;
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    assert_eq!(lines[0], "flowchart TB");
    let count = |wanted: &dyn Fn(&str) -> bool| lines.iter().filter(|line| wanted(line)).count();
    assert_eq!(count(&|line| line.starts_with("subgraph ")), 3);
    assert_eq!(count(&|line| line == "end"), 3);
    let nodes =
        count(&|line| line.starts_with('s') && line.contains("[\"") && line.contains(":::"));
    assert_eq!(nodes, 7);
    assert_eq!(count(&|line| line.contains(" -->")), 4);
    assert_eq!(count(&|line| line.contains(" ==>")), 1);
    assert_eq!(count(&|line| line.contains(" -.->")), 2);
    for line in lines.iter().filter(|line| line.contains(":::")) {
        let (_, label) = line.split_once("[\"").unwrap();
        let (label, class) = label.split_once("\"]:::").unwrap();
        assert!(["hit", "miss"].contains(&class), "{line}");
        let label = label.replace("<br/>", "");
        assert!(
            !label.contains(['"', '<', '>', '{', '|', '`', '&']),
            "{line}"
        );
    }
    assert!(text.contains("ARG N 1 -#62; 2"), "{text}");
}

#[test]
fn an_older_build_is_drawn_by_its_number() {
    let env = built();
    let older = env.run(["graph", "2"]).success().stdout;
    assert!(
        older.contains("miss") && !older.contains("ARG N 1 -> 2"),
        "{older}"
    );
    env.run(["graph", "7"]).code(1).says("no build 7");
    env.run(["graph", "--format", "svg"]).code(2);
}
