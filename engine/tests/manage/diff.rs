//! A comparison of two chains by what their layers have, beside one of everything that they show.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use iechor_engine::diff::{self, ChangeKind, Side};
use iechor_engine::files::{self, Depth, Facts};
use iechor_snapshotter::{Chain, LayerWriter, Metadata, NodeKind, Timestamp};
use proptest::prelude::*;

use crate::support::TestState;

/// What a step does to a file.
#[derive(Debug, Clone)]
enum Deed {
    Write(PathBuf, u8),
    Directory(PathBuf, u32),
    Link(PathBuf, u8),
    Remove(PathBuf),
    Clear(PathBuf),
}

type Layers = Vec<Vec<Deed>>;

fn path() -> impl Strategy<Value = PathBuf> {
    let names = prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..4);
    names.prop_map(|names| names.iter().collect())
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        (path(), 0..3_u8).prop_map(|(path, text)| Deed::Write(path, text)),
        (path(), prop::sample::select(vec![0o755, 0o700]))
            .prop_map(|(path, mode)| Deed::Directory(path, mode)),
        (path(), 0..2_u8).prop_map(|(path, target)| Deed::Link(path, target)),
        path().prop_map(Deed::Remove),
        path().prop_map(Deed::Clear),
    ]
}

fn layers(count: std::ops::Range<usize>) -> impl Strategy<Value = Layers> {
    prop::collection::vec(prop::collection::vec(deed(), 1..8), count)
}

impl TestState {
    /// Adds layers to a chain. What cannot be done, such as a file under a file, is left out.
    fn stacked(&self, base: &Chain, layers: &Layers) -> Chain {
        layers.iter().fold(base.clone(), |chain, deeds| {
            let mut writer = self.engine.store().new_layer(&chain).unwrap();
            for deed in deeds {
                let _impossible = self.apply(&mut writer, deed);
            }
            writer.commit_even_if_empty().unwrap()
        })
    }

    fn apply(
        &self,
        writer: &mut LayerWriter,
        deed: &Deed,
    ) -> Result<(), iechor_snapshotter::StoreError> {
        match deed {
            Deed::Write(path, text) => {
                let text = vec![b'x'; usize::from(*text)];
                let (blob, size) = (self.engine.store().blobs().put(&text)?, text.len() as u64);
                writer.put(path, NodeKind::Regular { blob, size }, metadata(0o644))
            }
            Deed::Directory(path, mode) => writer.put(path, NodeKind::Directory, metadata(*mode)),
            Deed::Link(path, target) => writer.put(
                path,
                NodeKind::Symlink(vec![b'0' + target]),
                metadata(0o777),
            ),
            Deed::Remove(path) => writer.remove(path),
            Deed::Clear(path) => writer.make_opaque(path),
        }
    }

    /// A REF of a chain.
    fn reference(&self, chain: &Chain) -> String {
        self.record(None, "FROM scratch", chain);
        chain.tip().unwrap().to_string()
    }

    fn shown(&self, reference: &str) -> BTreeMap<PathBuf, Facts> {
        let location = files::locate(&self.engine, reference).unwrap();
        let entries = files::list(&location, Depth::All).unwrap().into_iter();
        entries
            .map(|entry| (entry.path, as_compared(entry.facts)))
            .collect()
    }

    fn told(&self, before: &str, after: &str) -> Vec<(PathBuf, ChangeKind)> {
        let side = |reference| Side::open(&self.engine, reference).unwrap();
        let changes = diff::diff(&side(before), &side(after)).unwrap().into_iter();
        let changes = changes.map(|change| (change.path, change.change));
        changes.filter(|(path, _)| path != Path::new("/")).collect()
    }
}

fn metadata(mode: u32) -> Metadata {
    Metadata {
        mode,
        mtime: Timestamp { secs: 1, nanos: 2 },
        ..Metadata::default()
    }
}

/// Times of directories are not compared.
fn as_compared(mut facts: Facts) -> Facts {
    if facts.is_dir() {
        facts.mtime = Timestamp::default();
    }
    facts
}

/// Every path at which two listings differ, sorted component by component.
fn compared(
    before: &BTreeMap<PathBuf, Facts>,
    after: &BTreeMap<PathBuf, Facts>,
) -> Vec<(PathBuf, ChangeKind)> {
    let paths: BTreeSet<&PathBuf> = before.keys().chain(after.keys()).collect();
    let kind = |path: &PathBuf| match (before.get(path), after.get(path)) {
        (Some(_), None) => Some(ChangeKind::Deleted),
        (None, Some(_)) => Some(ChangeKind::Added),
        (before, after) => (before != after).then_some(ChangeKind::Modified),
    };
    let changes = paths.into_iter();
    changes
        .filter_map(|path| Some((path.clone(), kind(path)?)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn layers_tell_what_a_look_at_every_file_tells(
        common in layers(1..3),
        one in layers(0..3),
        other in layers(0..3),
    ) {
        let state = TestState::new();
        let base = state.stacked(&Chain::empty(), &common);
        let one = state.reference(&state.stacked(&base, &one));
        let other = state.reference(&state.stacked(&base, &other));
        let expected = compared(&state.shown(&one), &state.shown(&other));
        prop_assert_eq!(state.told(&one, &other), expected);
    }

    #[test]
    fn chains_without_a_common_layer_are_compared_whole(one in layers(1..3), other in layers(1..3)) {
        let state = TestState::new();
        let one = state.reference(&state.stacked(&Chain::empty(), &one));
        let other = state.reference(&state.stacked(&Chain::empty(), &other));
        let expected = compared(&state.shown(&one), &state.shown(&other));
        prop_assert_eq!(state.told(&one, &other), expected);
    }
}
