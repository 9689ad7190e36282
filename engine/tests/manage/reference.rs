//! What a REF stands for.

use iechor_cachedb::{BuildStatus, NewStep, StepOutcome};
use iechor_engine::reference::{self, Kind, ReferenceError, Selector};
use iechor_snapshotter::Chain;

use crate::support::{TestState, step};

/// A state directory with a build of three steps, the last of which changed no file.
struct Built {
    state: TestState,
    chains: [Chain; 2],
    keys: Vec<String>,
}

fn built() -> Built {
    let state = TestState::new();
    let base = state.layer(&Chain::empty(), &[("base", "1")]);
    let top = state.layer(&base, &[("top", "1")]);
    let from = state.record(None, "FROM debian", &base);
    let run = state.record(Some(&from), "RUN make", &top);
    let cmd = state.record(Some(&run), "CMD run", &top);
    state.build(&[&from, &run, &cmd]);
    let keys = [from, run, cmd]
        .iter()
        .map(|record| record.key.hex())
        .collect();
    Built {
        state,
        chains: [base, top],
        keys,
    }
}

fn find(state: &TestState, text: &str) -> Result<reference::Resolved, ReferenceError> {
    reference::resolve(&state.engine, &Selector::Named(text.to_owned()))
}

#[test]
fn each_form_of_a_ref_finds_its_snapshot() {
    let Built {
        state,
        chains: [base, top],
        keys,
    } = built();
    state.finish(&base, &["app:v1"], &[]);
    let snapshot = base.tip().unwrap();
    for (text, kind, chain) in [
        ("app:v1", Kind::Image, &base),
        ("docker.io/library/app:v1", Kind::Image, &base),
        ("build", Kind::Stage, &top),
        ("0", Kind::Stage, &top),
        ("1", Kind::Step, &base),
        ("2", Kind::Step, &top),
        ("build:1", Kind::Step, &base),
        ("build:2", Kind::Step, &top),
        (&keys[1][..12], Kind::Step, &top),
        (&format!("sha256:{}", keys[0]), Kind::Step, &base),
        (&snapshot.hex()[..12], Kind::Snapshot, &base),
        (&snapshot.to_string(), Kind::Snapshot, &base),
    ] {
        let found = find(&state, text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(
            (found.kind, found.tip()),
            (kind, chain.tip()),
            "{text}: {}",
            found.title
        );
    }
}

#[test]
fn what_stands_for_nothing_says_what_a_ref_may_be() {
    let Built { state, .. } = built();
    for missing in ["nothing", "build:0", "build:9", "99", "", "ffffffffffff"] {
        let error = find(&state, missing).unwrap_err();
        assert!(
            matches!(&error, ReferenceError::NotFound(text) if text == missing),
            "{error}"
        );
    }
}

#[test]
fn an_ambiguous_prefix_lists_keys_and_images() {
    let Built {
        state,
        chains: [base, _],
        ..
    } = built();
    let mut count = std::collections::BTreeMap::new();
    for number in 0..20 {
        let image = state.finish(&base, &[], &[]);
        let record = state.record(None, &format!("FROM {number}"), &base);
        *count.entry(record.key.hex()[..1].to_owned()).or_insert(0) += 1;
        *count
            .entry(image.image_id.hex()[..1].to_owned())
            .or_insert(0) += 1;
    }
    let twice = count
        .iter()
        .find(|(digit, n)| **n > 1 && digit.parse::<u8>().is_err());
    let error = find(&state, twice.unwrap().0).unwrap_err();
    assert!(
        matches!(&error, ReferenceError::Ambiguous { candidates, .. } if candidates.len() > 1),
        "{error}"
    );
}

#[test]
fn failed_is_the_newest_state_that_a_failed_step_left() {
    let Built {
        state,
        chains: [base, _],
        ..
    } = built();
    let selector = Selector::Failed;
    let error = reference::resolve(&state.engine, &selector).unwrap_err();
    assert!(matches!(error, ReferenceError::NothingFailed), "{error}");
    let record = state.record(None, "FROM other", &base);
    for name in ["first", "second"] {
        let left = state.layer(&base, &[(name, "half")]);
        let failed = NewStep {
            text: format!("RUN {name}"),
            record: None,
            parent: Some(record.id),
            snapshot: left.tip(),
            outcome: StepOutcome::Failed,
            ..step(&record, 1)
        };
        state.history(&[step(&record, 0), failed], BuildStatus::Failed);
    }
    let found = reference::resolve(&state.engine, &selector).unwrap();
    assert_eq!(
        (found.kind, found.title.as_str()),
        (Kind::Failed, "failed step RUN second")
    );
}

#[test]
fn a_snapshot_that_is_gone_is_named() {
    let Built {
        state,
        chains: [_, top],
        ..
    } = built();
    state.engine.store().remove(top.tip().unwrap()).unwrap();
    let other = iechor_engine::Engine::open(state.engine.root(), Default::default()).unwrap();
    drop(top);
    let error = reference::resolve(&other, &Selector::Named("build:2".to_owned())).unwrap_err();
    assert!(matches!(&error, ReferenceError::Gone { title, .. } if title == "step RUN make"));
}
