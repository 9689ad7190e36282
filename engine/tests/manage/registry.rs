//! Images to a registry and back, on Debian's `docker-registry`.

use iechor_engine::progress::Silent;
use iechor_engine::request::PullPolicy;
use iechor_engine::{StepId, images, output, sources};
use iechor_image::manifest::Document;
use iechor_snapshotter::Chain;

use crate::server::Registry;
use crate::support::{TestState, amd64, read, told};

const STEP: StepId = StepId(0);

/// A registry with the image `base:v1` of two layers, and the state directory that made it.
fn pushed() -> (Registry, TestState, String) {
    let state = TestState::new();
    let registry = Registry::start(state.dir.path());
    let base = registry.image("base:v1");
    let chain = state.layer(&Chain::empty(), &[("a", "1"), ("b", "1")]);
    let chain = state.layer(&chain, &[("b", "2")]);
    state.finish(&chain, &[&base], &[]);
    output::push(&state.engine, &base, None, &Silent, STEP).unwrap();
    (registry, state, base)
}

fn layers_of(state: &TestState, name: &str) -> Vec<String> {
    let image = sources::pull(&state.engine, name, &amd64(), &Silent, STEP).unwrap();
    let descriptor = image.digest;
    let path = state.engine.content().path(&descriptor);
    match Document::parse(&std::fs::read(path).unwrap(), "").unwrap() {
        Document::Manifest(manifest) => manifest
            .layers
            .iter()
            .map(|layer| layer.digest.to_string())
            .collect(),
        Document::Index(_) => panic!("an index"),
    }
}

#[test]
fn what_is_pushed_is_pulled_with_its_files_name_and_id() {
    let (_registry, maker, base) = pushed();
    let state = TestState::new();
    let image = sources::pull(&state.engine, &base, &amd64(), &Silent, STEP).unwrap();
    assert_eq!(read(&state, &image.chain, "b").as_deref(), Some("2"));
    let (here, there) = (
        images::inspect(&state.engine, &base).unwrap(),
        images::inspect(&maker.engine, &base).unwrap(),
    );
    assert_eq!(here.id, there.id);
    assert_eq!(here.manifest, Some(image.digest));
}

#[test]
fn a_moved_tag_is_seen_when_the_registry_is_asked_and_only_then() {
    let (_registry, maker, base) = pushed();
    let state = TestState::new();
    let old = sources::pull(&state.engine, &base, &amd64(), &Silent, STEP).unwrap();
    let chain = maker.layer(&Chain::empty(), &[("a", "other")]);
    maker.finish(&chain, &[&base], &[]);
    output::push(&maker.engine, &base, None, &Silent, STEP).unwrap();
    let resolve = |policy| {
        sources::resolve(&state.engine, &base, &amd64(), policy, &Silent, STEP)
            .unwrap()
            .digest
    };
    assert_eq!(resolve(PullPolicy::IfMissing), old.digest);
    let new = resolve(PullPolicy::Always);
    assert_ne!(new, old.digest);
    assert_eq!(resolve(PullPolicy::IfMissing), new, "the list follows");
    let pinned = format!("{base}@{}", old.digest);
    let image = sources::resolve(
        &state.engine,
        &pinned,
        &amd64(),
        PullPolicy::IfMissing,
        &Silent,
        STEP,
    );
    assert_eq!(
        image.unwrap().digest,
        old.digest,
        "by digest the old one is still there"
    );
}

#[test]
fn an_image_built_on_a_pulled_one_is_pushed_with_the_very_layers_of_the_base() {
    let (registry, _maker, base) = pushed();
    let state = TestState::new();
    let below = layers_of(&state, &base);
    let image = sources::resolve(
        &state.engine,
        &base,
        &amd64(),
        PullPolicy::IfMissing,
        &Silent,
        STEP,
    );
    let chain = state.layer(&image.unwrap().chain, &[("c", "3")]);
    let name = registry.image("app:v1");
    state.finish(&chain, &["app"], &[]);
    output::push(&state.engine, "app", Some(&name), &Silent, STEP).unwrap();
    let other = TestState::new();
    let layers = layers_of(&other, &name);
    assert_eq!((layers.len(), &layers[..2]), (3, &below[..]));
}

#[test]
fn a_pulled_image_is_pushed_as_it_came() {
    let (registry, _maker, base) = pushed();
    let state = TestState::new();
    let pulled = sources::pull(&state.engine, &base, &amd64(), &Silent, STEP).unwrap();
    let copy = registry.image("copy:v1");
    let sent = output::push(&state.engine, &base, Some(&copy), &Silent, STEP).unwrap();
    assert_eq!(sent.digest, pulled.digest);
    let other = TestState::new();
    let again = sources::pull(&other.engine, &copy, &amd64(), &Silent, STEP).unwrap();
    assert_eq!(again.digest, pulled.digest);
}

#[test]
fn a_damaged_layer_is_refused_and_nothing_is_listed() {
    let (registry, maker, base) = pushed();
    let first = layers_of(&maker, &base).remove(0);
    let blob = registry.blob(&first);
    let mut bytes = std::fs::read(&blob).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&blob, bytes).unwrap();
    let state = TestState::new();
    let error = sources::pull(&state.engine, &base, &amd64(), &Silent, STEP).unwrap_err();
    assert!(
        told(&error).contains(&base) && told(&error).contains(&first),
        "{}",
        told(&error)
    );
    assert!(images::list(&state.engine).unwrap().is_empty());
    assert!(state.files("layers").is_empty());
}

#[test]
fn a_registry_that_does_not_answer_and_an_image_that_is_not_there_are_named() {
    let (registry, maker, _) = pushed();
    for missing in [registry.image("missing:v1"), "127.0.0.1:9/app".to_owned()] {
        let error = sources::pull(&maker.engine, &missing, &amd64(), &Silent, STEP).unwrap_err();
        assert!(error.to_string().contains(&missing), "{}", told(&error));
    }
    let error = output::push(&maker.engine, "unknown", None, &Silent, STEP).unwrap_err();
    assert!(
        error.to_string().contains("no image \"unknown\""),
        "{error}"
    );
}
