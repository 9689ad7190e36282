//! Images in: from the list, from layouts and archives.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;

use iechor_engine::progress::{Event, ProgressSink, Silent};
use iechor_engine::request::{OutputKind, PullPolicy};
use iechor_engine::sources::{self, BaseImage, SourcesError};
use iechor_engine::{StepId, images};
use iechor_snapshotter::{Chain, Digest};

use crate::support::{TestState, amd64, output_to, read, told};

fn resolve(state: &TestState, spec: &str) -> Result<BaseImage, SourcesError> {
    let policy = PullPolicy::IfMissing;
    sources::resolve(&state.engine, spec, &amd64(), policy, &Silent, StepId(0))
}

/// An archive with three layers, made in a state directory of its own.
fn archive(state: &TestState) -> String {
    let maker = TestState::new();
    let mut chain = Chain::empty();
    for layer in ["one", "two", "three"] {
        chain = maker.layer(&chain, &[(layer, layer), ("last", layer)]);
    }
    let path = state.path("image.tar");
    maker.finish(&chain, &["app:v1"], &[output_to(OutputKind::Oci, &path)]);
    format!("oci-archive://{}", path.display())
}

#[test]
fn scratch_is_empty_and_for_the_platform() {
    let state = TestState::new();
    let image = resolve(&state, "scratch").unwrap();
    assert!(image.chain.tip().is_none() && image.lease.is_none());
    assert_eq!(image.digest, Digest::of(b""));
    assert_eq!(image.config.platform(), amd64());
}

#[test]
fn an_image_of_the_list_is_found_without_a_registry_and_enters_keys_by_its_id() {
    let state = TestState::new();
    let chain = state.layer(&Chain::empty(), &[("a", "1")]);
    let built = state.finish(&chain, &["localhost:1/app"], &[]);
    for spec in ["localhost:1/app", "docker-image://localhost:1/app:latest"] {
        let image = resolve(&state, spec).unwrap();
        assert_eq!(image.digest, built.image_id);
        assert_eq!(image.chain.tip(), chain.tip());
        assert_eq!(image.lease.unwrap().snapshot(), chain.tip().unwrap());
    }
}

#[test]
fn an_import_makes_a_snapshot_a_layer_once() {
    let state = TestState::new();
    let spec = archive(&state);
    let first = resolve(&state, &spec).unwrap();
    assert_eq!(first.chain.layers().len(), 3);
    assert_eq!(read(&state, &first.chain, "last").as_deref(), Some("three"));
    assert_eq!(read(&state, &first.chain, "one").as_deref(), Some("one"));
    let layers = state.files("layers").len();
    let second = resolve(&state, &spec).unwrap();
    assert_eq!(second.chain.tip(), first.chain.tip());
    assert_eq!(second.digest, first.digest);
    assert_eq!(state.files("layers").len(), layers);
    assert!(
        images::list(&state.engine).unwrap().is_empty(),
        "a location gives no name"
    );
}

#[test]
fn images_that_share_layers_share_snapshots() {
    let state = TestState::new();
    let maker = TestState::new();
    let base = maker.layer(&Chain::empty(), &[("base", "b")]);
    let mut tips = Vec::new();
    for name in ["one", "two"] {
        let chain = maker.layer(&base, &[(name, name)]);
        let path = state.path(name);
        maker.finish(&chain, &[name], &[output_to(OutputKind::Oci, &path)]);
        tips.push(
            resolve(&state, &format!("oci-archive://{}", path.display()))
                .unwrap()
                .chain,
        );
    }
    assert_eq!(tips[0].below(1).tip(), tips[1].below(1).tip());
    assert_ne!(tips[0].tip(), tips[1].tip());
    assert_eq!(state.files("layers").len(), 3);
}

#[test]
fn several_imports_at_once_give_the_same_chain() {
    let state = TestState::new();
    let spec = archive(&state);
    let tips: Vec<_> = std::thread::scope(|scope| {
        let imports: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| resolve(&state, &spec).unwrap().chain.tip()))
            .collect();
        imports
            .into_iter()
            .map(|import| import.join().unwrap())
            .collect()
    });
    assert!(tips.iter().all(|tip| *tip == tips[0]), "{tips:?}");
    assert_eq!(state.files("layers").len(), 3);
}

#[test]
fn a_snapshot_that_is_lost_is_unpacked_again() {
    let state = TestState::new();
    let spec = archive(&state);
    let tip = resolve(&state, &spec).unwrap().chain.tip().unwrap();
    state.engine.store().remove(tip).unwrap();
    let again = resolve(&state, &spec).unwrap();
    assert_eq!(again.chain.tip(), Some(tip));
    assert_eq!(
        read(&state, &again.chain, "three").as_deref(),
        Some("three")
    );
}

#[test]
fn an_archive_that_was_cut_off_or_changed_imports_nothing() {
    let state = TestState::new();
    let spec = archive(&state);
    let path = state.path("image.tar");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = resolve(&state, &spec).unwrap_err();
    assert!(told(&error).contains("image.tar"), "{}", told(&error));
    assert!(state.files("layers").is_empty());
    assert!(images::list(&state.engine).unwrap().is_empty());
}

#[test]
fn what_is_neither_name_nor_location_is_refused() {
    let state = TestState::new();
    for bad in ["", "Upper/Case", "a//b", "oci-archive://"] {
        let error = resolve(&state, bad).unwrap_err();
        assert!(!told(&error).is_empty(), "{bad}");
    }
    let error = resolve(&state, "oci-layout:///nowhere/at/all").unwrap_err();
    assert!(told(&error).contains("/nowhere/at/all"), "{}", told(&error));
}

#[test]
fn progress_tells_each_layer_to_its_end() {
    #[derive(Default)]
    struct Seen(Mutex<BTreeMap<String, (u64, Option<u64>)>>);
    impl ProgressSink for Seen {
        fn event(&self, event: Event) {
            if let Event::Transfer {
                what,
                current,
                total,
                ..
            } = event
            {
                self.0.lock().unwrap().insert(what, (current, total));
            }
        }
    }
    let state = TestState::new();
    let spec = archive(&state);
    let seen = Seen::default();
    let policy = PullPolicy::IfMissing;
    sources::resolve(&state.engine, &spec, &amd64(), policy, &seen, StepId(0)).unwrap();
    let seen = seen.0.into_inner().unwrap();
    assert_eq!(seen.len(), 6, "fetched and unpacked: {seen:?}");
    for (what, (current, total)) in seen {
        assert_eq!(Some(current), total, "{what}");
    }
}
