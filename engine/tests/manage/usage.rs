//! What takes space: sums that add up, and agree with the disk.

use std::os::unix::fs::MetadataExt;

use iechor_engine::prune::{self, PruneRequest};
use iechor_engine::request::OutputKind;
use iechor_engine::usage::{self, UsageKind};
use iechor_snapshotter::Chain;

use crate::support::{NOW, TestState, output_to};

/// A file that fills so many blocks, with contents of its own.
fn text(of: char, blocks: usize) -> String {
    of.to_string().repeat(4096 * blocks)
}

/// Bytes on disk of everything that `du` tells of.
fn on_disk(state: &TestState) -> u64 {
    ["blobs", "layers", "content"]
        .iter()
        .flat_map(|dir| state.files(dir))
        .map(|path| std::fs::metadata(path).unwrap().blocks() * 512)
        .sum()
}

#[test]
fn sums_add_up_to_what_the_disk_says() {
    let state = TestState::new();
    let base = state.layer(
        &Chain::empty(),
        &[("base", &text('b', 3)), ("same", &text('s', 2))],
    );
    let one = state.layer(&base, &[("one", &text('1', 4)), ("copy", &text('s', 2))]);
    let two = state.layer(&base, &[("two", &text('2', 5))]);
    let from = state.record(None, "FROM base", &base);
    state.record(Some(&from), "RUN one", &one);
    let run_two = state.record(Some(&from), "RUN two", &two);
    state.record(Some(&run_two), "CMD two", &two);
    state.finish(
        &one,
        &["app"],
        &[output_to(OutputKind::Oci, &state.path("image.tar"))],
    );
    let usage = usage::usage(&state.engine).unwrap();
    assert_eq!(usage.total, usage.private + usage.shared);
    assert_eq!(usage.total, on_disk(&state), "{usage:#?}");
    assert_eq!(usage.shared, 2 * 4096, "the file in two layers: {usage:#?}");
    let own = |text: &str| {
        let mut records = usage.records();
        records.find(|record| &*record.text == text).unwrap().own
    };
    assert_eq!(own("CMD two"), 0, "it made no layer");
    assert!(own("RUN two") >= 5 * 4096 && own("RUN two") < 7 * 4096);
}

#[test]
fn layers_of_an_image_that_no_step_made_are_told() {
    let state = TestState::new();
    let chain = state.layer(&Chain::empty(), &[("a", &text('a', 1))]);
    state.finish(&chain, &["app"], &[]);
    let usage = usage::usage(&state.engine).unwrap();
    let record = usage.record(0);
    assert_eq!(
        (record.kind, &*record.text),
        (UsageKind::Layer, "docker.io/library/app:latest")
    );
    assert!(!record.reclaimable, "a named image keeps it");
    assert_eq!(usage.reclaimable, 0);
}

#[test]
fn what_prune_would_take_is_marked() {
    let state = TestState::new();
    let chain = state.layer(&Chain::empty(), &[("a", &text('a', 1))]);
    state.record(None, "FROM a", &chain);
    let lost = state.layer(&chain, &[("b", &text('b', 1))]);
    let usage = usage::usage(&state.engine).unwrap();
    assert!(
        usage.records().all(|record| record.reclaimable),
        "{usage:#?}"
    );
    assert_eq!(usage.reclaimable, usage.total);
    let leftover = usage
        .records()
        .find(|record| record.kind == UsageKind::Leftover);
    assert_eq!(
        leftover.unwrap().id.to_string(),
        lost.tip().unwrap().to_string()
    );
}

#[test]
fn what_prune_would_take_without_freeing_it_is_not_marked() {
    let state = TestState::new();
    let base = state.layer(&Chain::empty(), &[("a", &text('a', 2))]);
    let top = state.layer(&base, &[("b", &text('b', 3))]);
    let from = state.record(None, "FROM a", &base);
    let run = state.record(Some(&from), "RUN b", &top);
    state.record(Some(&run), "CMD c", &top);
    state.finish(&base, &["app"], &[]);
    let usage = usage::usage(&state.engine).unwrap();
    let marked = |text: &str| {
        let mut records = usage.records();
        records
            .find(|record| &*record.text == text)
            .unwrap()
            .reclaimable
    };
    assert!(!marked("FROM a"), "an image keeps its layer");
    assert!(marked("RUN b") && marked("CMD c"));
    let sum: u64 = usage
        .records()
        .filter(|r| r.reclaimable)
        .map(|r| r.own)
        .sum();
    assert_eq!(usage.reclaimable, sum, "nothing is shared");
    let plan = prune::plan(&state.engine, &PruneRequest::everything(), NOW).unwrap();
    assert_eq!(usage.reclaimable, plan.bytes());
}

#[test]
fn the_same_is_told_as_a_tree() {
    let state = TestState::new();
    let base = state.layer(&Chain::empty(), &[("a", "1")]);
    let from = state.record(None, "FROM a", &base);
    state.record(Some(&from), "RUN one", &state.layer(&base, &[("b", "1")]));
    state.record(
        Some(&from),
        "RUN two",
        &state.layer(&base, &[("c", &text('c', 9))]),
    );
    state.layer(&base, &[("lost", "1")]);
    let tree = usage::usage_tree(&state.engine).unwrap();
    let rows: Vec<_> = (0..tree.count()).map(|number| tree.row(number)).collect();
    let tree = tree.usage();
    let shape: Vec<_> = rows
        .iter()
        .map(|row| (&*row.record.text, row.depth))
        .collect();
    let lost = "layer without a record";
    assert_eq!(
        shape,
        [("FROM a", 0), ("RUN one", 1), ("RUN two", 1), (lost, 0)]
    );
    let flat = usage::usage(&state.engine).unwrap();
    assert_eq!(
        (tree.total, tree.reclaimable),
        (flat.total, flat.reclaimable)
    );
    let records: Vec<_> = flat.records().collect();
    assert_eq!(records.len(), rows.len());
    assert!(rows.iter().all(|row| records.contains(&row.record)));
}

#[test]
fn steps_make_trees_oldest_first() {
    let state = TestState::new();
    let base = state.layer(&Chain::empty(), &[("a", "1")]);
    let from = state.record(None, "FROM a", &base);
    let one = state.record(Some(&from), "RUN one", &state.layer(&base, &[("b", "1")]));
    state.record(Some(&from), "RUN two", &state.layer(&base, &[("c", "1")]));
    state.record(Some(&one), "CMD x", &base);
    let steps = usage::steps(&state.engine).unwrap();
    let rows: Vec<_> = (0..steps.count()).map(|number| steps.row(number)).collect();
    let shape: Vec<_> = rows.iter().map(|row| (&*row.text, row.depth)).collect();
    let expected = [("FROM a", 0), ("RUN one", 1), ("CMD x", 1), ("RUN two", 1)];
    assert_eq!(shape, expected);
    let key = |row: usize| Some(rows[row].key.clone());
    let parents: Vec<_> = rows.iter().map(|row| row.parent.clone()).collect();
    assert_eq!(parents, [None, key(0), key(1), key(0)]);
    assert_eq!(rows[0].place.to_string(), "iEchorfile:1");
}
