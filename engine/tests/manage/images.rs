//! The local image list.

use iechor_engine::images::{self, ImagesError, Removal};
use iechor_snapshotter::Chain;

use crate::support::TestState;

fn image(state: &TestState, text: &str, names: &[&str]) -> String {
    let chain = state.layer(&Chain::empty(), &[("a", text)]);
    state.finish(&chain, names, &[]).image_id.to_string()
}

fn names(state: &TestState) -> Vec<String> {
    images::list(&state.engine)
        .unwrap()
        .into_iter()
        .filter_map(|entry| entry.name)
        .collect()
}

#[test]
fn an_image_gets_another_name_by_name_or_by_the_first_digits_of_its_id() {
    let state = TestState::new();
    let id = image(&state, "1", &["app"]);
    let tagged = images::tag(&state.engine, "app", "team/app:v1").unwrap();
    assert_eq!(tagged, "docker.io/team/app:v1");
    images::tag(
        &state.engine,
        &id["sha256:".len()..][..12],
        "localhost:5000/app",
    )
    .unwrap();
    let expected = [
        "docker.io/library/app:latest",
        "docker.io/team/app:v1",
        "localhost:5000/app:latest",
    ];
    assert_eq!(names(&state), expected);
}

#[test]
fn a_name_with_a_digest_can_be_given_to_nothing() {
    let state = TestState::new();
    let id = image(&state, "1", &["app"]);
    let name = format!("app@{id}");
    let error = images::tag(&state.engine, "app", &name).unwrap_err();
    assert!(matches!(error, ImagesError::NameWithDigest(_)), "{error}");
}

#[test]
fn removing_a_name_leaves_the_others() {
    let state = TestState::new();
    image(&state, "1", &["app", "app:v1"]);
    let removed = images::remove(&state.engine, "app", Removal::Careful).unwrap();
    assert_eq!(removed.untagged, ["docker.io/library/app:latest"]);
    assert!(removed.deleted.is_empty());
    assert_eq!(names(&state), ["docker.io/library/app:v1"]);
}

#[test]
fn an_image_goes_with_its_last_name_and_its_layers_stay() {
    let state = TestState::new();
    let id = image(&state, "1", &["app"]);
    let removed = images::remove(&state.engine, "app", Removal::Careful).unwrap();
    assert_eq!(removed.deleted, [id]);
    assert!(images::list(&state.engine).unwrap().is_empty());
    assert_eq!(state.files("layers").len(), 1);
}

#[test]
fn an_id_with_several_names_needs_force() {
    let state = TestState::new();
    let id = image(&state, "1", &["app", "app:v1"]);
    let error = images::remove(&state.engine, &id, Removal::Careful).unwrap_err();
    assert!(
        error.to_string().contains("docker.io/library/app:v1"),
        "{error}"
    );
    let removed = images::remove(&state.engine, &id, Removal::Force).unwrap();
    assert_eq!((removed.untagged.len(), removed.deleted), (2, vec![id]));
}

#[test]
fn what_is_not_there_is_named() {
    let state = TestState::new();
    for missing in ["nothing", "0123456789ab", "Not A Name"] {
        let error = images::inspect(&state.engine, missing).unwrap_err();
        assert!(
            matches!(&error, ImagesError::NotFound(name) if name == missing),
            "{error}"
        );
        assert!(error.to_string().contains("iechor images"));
    }
}

#[test]
fn an_ambiguous_prefix_lists_the_candidates() {
    let state = TestState::new();
    let ids: Vec<String> = (0..17)
        .map(|n| image(&state, &n.to_string(), &[]))
        .collect();
    let digits = |id: &String| id["sha256:".len()..][..1].to_owned();
    let twice = ids
        .iter()
        .map(digits)
        .find(|one| ids.iter().filter(|id| digits(id) == *one).count() > 1);
    let error = images::inspect(&state.engine, &twice.unwrap()).unwrap_err();
    assert!(
        matches!(&error, ImagesError::Ambiguous { candidates, .. } if candidates.len() > 1),
        "{error}"
    );
}
