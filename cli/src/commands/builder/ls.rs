//! `iechor builder ls`.

use clap::Args;
use iechor_engine::usage::{self, StepNode};
use serde::Serialize;

use crate::error::CliError;
use crate::session::Session;
use crate::table::{ListArgs, Row, Style};

/// List the cached steps, each under the one it was built on
#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    #[command(flatten)]
    list: ListArgs,
}

/// A step, and how deep it stands in the tree.
#[derive(Debug, Serialize)]
struct StepRow<'a> {
    depth: usize,
    parent: Option<&'a str>,
    key: &'a str,
    text: &'a str,
    place: Option<&'a str>,
    snapshot: Option<&'a str>,
    own: u64,
    shared: u64,
    hits: u64,
    created: i64,
    last_used: i64,
}

impl Row for StepRow<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "KEY",
        "STEP",
        "PLACE",
        "SIZE",
        "SHARED",
        "HITS",
        "LAST USED",
    ];

    fn id(&self, style: &Style) -> String {
        style.id(self.key)
    }

    fn cells(&self, style: &Style) -> Vec<String> {
        vec![
            style.id(self.key),
            format!("{}{}", "  ".repeat(self.depth), style.text(self.text)),
            self.place.unwrap_or_default().to_owned(),
            style.size(self.own),
            style.size(self.shared),
            self.hits.to_string(),
            style.ago(self.last_used),
        ]
    }
}

/// Lists the steps.
pub(crate) fn run(args: &LsArgs, session: &Session) -> Result<(), CliError> {
    let roots = usage::steps(&session.engine()?)?;
    args.list
        .show(&flattened(&roots), session.now(), &session.ui)
}

/// The trees from top to bottom. An only child stays in its parent's column, so that a long chain
/// does not run off to the right: what is indented shares its parent with others.
fn flattened(roots: &[StepNode]) -> Vec<StepRow<'_>> {
    let mut rows = Vec::new();
    let mut waiting: Vec<(usize, Option<&str>, &StepNode)> =
        roots.iter().rev().map(|root| (0, None, root)).collect();
    while let Some((depth, parent, node)) = waiting.pop() {
        rows.push(row(depth, parent, node));
        let below = if node.children.len() > 1 {
            depth + 1
        } else {
            depth
        };
        let key = Some(node.key.as_str());
        waiting.extend(node.children.iter().rev().map(|child| (below, key, child)));
    }
    rows
}

fn row<'a>(depth: usize, parent: Option<&'a str>, node: &'a StepNode) -> StepRow<'a> {
    StepRow {
        depth,
        parent,
        key: &node.key,
        text: &node.text,
        place: node.place.as_deref(),
        snapshot: node.snapshot.as_deref(),
        own: node.own,
        shared: node.shared,
        hits: node.hits,
        created: node.created,
        last_used: node.last_used,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(key: &str, children: Vec<StepNode>) -> StepNode {
        StepNode {
            key: key.into(),
            text: String::new(),
            place: None,
            snapshot: None,
            own: 0,
            shared: 0,
            hits: 0,
            created: 0,
            last_used: 0,
            children,
        }
    }

    #[test]
    fn only_branches_are_indented() {
        let branch = node(
            "b",
            vec![node("c", vec![node("d", vec![])]), node("e", vec![])],
        );
        let roots = [node("a", vec![branch]), node("f", vec![])];
        let shape: Vec<(&str, usize, Option<&str>)> = flattened(&roots)
            .iter()
            .map(|row| (row.key, row.depth, row.parent))
            .collect();
        let expected = [
            ("a", 0, None),
            ("b", 0, Some("a")),
            ("c", 1, Some("b")),
            ("d", 1, Some("c")),
            ("e", 1, Some("b")),
            ("f", 0, None),
        ];
        assert_eq!(shape, expected);
    }
}
