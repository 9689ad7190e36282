//! Reported bytes against measured ones: `du` of the state directory before and after prunes of
//! 1,000 generated chains.

use std::path::Path;
use std::process::Command;

use iechor_engine::prune::{self, PruneRequest};
use iechor_engine::{Engine, Settings, usage};
use iechor_snapshotter::Chain;

use crate::support::{NOW, TestState};

const CHAINS: u64 = 1000;

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    /// One below `limit`.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    /// A file of up to 40,000 bytes; one in five is one of fifty that many layers have.
    fn file(&mut self) -> String {
        let (name, length) = match self.below(5) {
            0 => (self.below(50), 9000),
            _ => (1000 + self.below(u64::MAX), self.below(40_000)),
        };
        name.to_string()
            .repeat(1 + usize::try_from(length).unwrap() / 10)
    }
}

/// A chain of up to four layers; one in three has a step of ours on top, one in ten an image.
fn make_chain(state: &TestState, number: u64, numbers: &mut Numbers) {
    let mut chain = Chain::empty();
    for layer in 0..=numbers.below(4) {
        let files: Vec<(String, String)> = (0..=numbers.below(3))
            .map(|file| (format!("{number}-{layer}-{file}"), numbers.file()))
            .collect();
        let files: Vec<_> = files
            .iter()
            .map(|(name, text)| (&**name, &**text))
            .collect();
        chain = state.layer(&chain, &files);
    }
    let from = state.record(None, &format!("FROM {number}"), &chain);
    if number.is_multiple_of(3) {
        let top = state.layer(&chain, &[("top", &numbers.file())]);
        state.record(Some(&from), "RUN top", &top);
    }
    if number.is_multiple_of(10) {
        state.finish(&chain, &[&format!("image-{number}")], &[]);
    }
}

fn du(dir: &Path) -> u64 {
    let output = Command::new("du")
        .args(["-s", "-B1"])
        .arg(dir)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().next().unwrap().parse().unwrap()
}

/// Prunes in a process of its own, as far as the database is concerned: closed, it is one file.
fn prune(root: &Path, request: &PruneRequest) -> u64 {
    let engine = Engine::open(root, Settings::default()).unwrap();
    let plan = prune::plan(&engine, request, NOW).unwrap();
    let planned = plan.bytes();
    let report = prune::apply(&engine, plan).unwrap();
    assert_eq!(report.bytes, planned);
    report.bytes
}

#[test]
fn what_a_prune_reports_is_what_du_measures() {
    let state = TestState::new();
    let mut numbers = Numbers(1);
    (0..CHAINS).for_each(|number| make_chain(&state, number, &mut numbers));
    let root = state.engine.root().to_owned();
    let total = usage::usage(&state.engine).unwrap().total;
    let TestState { engine, dir: _dir } = state;
    drop(engine);
    let half = PruneRequest {
        max_used: Some(total / 2),
        ..PruneRequest::everything()
    };
    for request in [half, PruneRequest::everything()] {
        let before = du(&root);
        let reported = prune(&root, &request);
        let measured = before - du(&root);
        assert!(reported > total / 4, "{reported} of {total}");
        assert!(
            reported.abs_diff(measured) * 100 <= measured,
            "reported {reported}, measured {measured}"
        );
    }
    let engine = Engine::open(&root, Settings::default()).unwrap();
    let left = usage::usage(&engine).unwrap();
    assert_eq!(
        (left.reclaimable, engine.cache().images().unwrap().len()),
        (0, 100)
    );
}
