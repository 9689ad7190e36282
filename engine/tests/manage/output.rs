//! Builds become images: completed, named, written.

use std::fs;
use std::io::Read;

use iechor_engine::request::{Compression, Output, OutputDest, OutputKind};
use iechor_engine::sources;
use iechor_engine::{StepId, images, progress::Silent, request::PullPolicy};
use iechor_snapshotter::Chain;

use crate::support::{TestState, amd64, output_to, read, told};

fn two_layers(state: &TestState) -> Chain {
    let base = state.layer(
        &Chain::empty(),
        &[("etc/os-release", "ID=test\n"), ("old", "1")],
    );
    state.layer(&base, &[("app/main", "fn main() {}\n"), ("old", "2")])
}

#[test]
fn the_configuration_gets_the_diff_ids_of_the_layers_and_makes_the_image_id() {
    let state = TestState::new();
    let finished = state.finish(&two_layers(&state), &["app:v1"], &[]);
    let image = images::inspect(&state.engine, "app:v1").unwrap();
    assert_eq!(image.id, finished.image_id);
    assert_eq!(image.config.diff_ids().unwrap().len(), 2);
    assert_eq!(image.names, ["docker.io/library/app:v1"]);
    assert_eq!(finished.names, image.names);
    assert!(finished.manifest.is_none(), "nothing asked for a manifest");
}

#[test]
fn the_same_chain_makes_the_same_image_again_and_writes_nothing_new() {
    let state = TestState::new();
    let chain = two_layers(&state);
    let first = state.finish(&chain, &["app"], &[]);
    let second = state.finish(&chain, &["app"], &[]);
    assert_eq!(first.image_id, second.image_id);
    assert_eq!(images::list(&state.engine).unwrap().len(), 1);
}

#[test]
fn a_name_that_moves_leaves_the_old_image_without_one() {
    let state = TestState::new();
    let old = state.finish(&state.layer(&Chain::empty(), &[("a", "1")]), &["app"], &[]);
    let new = state.finish(&state.layer(&Chain::empty(), &[("a", "2")]), &["app"], &[]);
    let list = images::list(&state.engine).unwrap();
    let shown: Vec<_> = list
        .iter()
        .map(|entry| (entry.name.as_deref(), entry.id.clone()))
        .collect();
    let expected = [
        (
            Some("docker.io/library/app:latest"),
            new.image_id.to_string(),
        ),
        (None, old.image_id.to_string()),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn archives_and_layouts_read_back_with_the_same_files_and_id() {
    for (kind, scheme, name) in [
        (OutputKind::Oci, "oci-archive", "image.tar"),
        (OutputKind::Docker, "docker-archive", "docker.tar"),
        (OutputKind::Oci, "oci-layout", "layout/"),
    ] {
        let state = TestState::new();
        let dest = state.path(name);
        let finished = state.finish(&two_layers(&state), &["app:v1"], &[output_to(kind, &dest)]);
        let other = TestState::new();
        let spec = format!("{scheme}://{}", dest.display());
        let spec = spec.trim_end_matches('/');
        let engine = &other.engine;
        let image = sources::resolve(
            engine,
            spec,
            &amd64(),
            PullPolicy::IfMissing,
            &Silent,
            StepId(0),
        )
        .unwrap_or_else(|error| panic!("{spec}: {}", told(&error)));
        assert_eq!(
            read(&other, &image.chain, "app/main").as_deref(),
            Some("fn main() {}\n")
        );
        assert_eq!(
            read(&other, &image.chain, "old").as_deref(),
            Some("2"),
            "{spec}"
        );
        let manifest = finished.manifest.unwrap().digest;
        assert_eq!(
            manifest == image.digest,
            kind == OutputKind::Oci,
            "docker's has none"
        );
        assert_eq!(
            other.finish(&image.chain, &["b"], &[]).image_id,
            finished.image_id,
            "{spec}"
        );
    }
}

#[test]
fn an_archive_of_the_root_file_system_has_the_merged_tree() {
    let state = TestState::new();
    let path = state.path("rootfs.tar");
    let output = output_to(OutputKind::Tar, &path);
    let finished = state.finish(&two_layers(&state), &[], &[output]);
    assert_eq!(finished.bytes_written, fs::metadata(&path).unwrap().len());
    let listing = std::process::Command::new("tar")
        .arg("tf")
        .arg(&path)
        .output()
        .unwrap();
    let names = String::from_utf8(listing.stdout).unwrap();
    for name in ["app/main", "etc/os-release", "old"] {
        assert_eq!(
            names.lines().filter(|line| line.ends_with(name)).count(),
            1,
            "{names}"
        );
    }
}

#[test]
fn a_directory_gets_the_files() {
    let state = TestState::new();
    let dir = state.path("out");
    state.finish(
        &two_layers(&state),
        &[],
        &[output_to(OutputKind::Local, &dir)],
    );
    assert_eq!(
        fs::read_to_string(dir.join("app/main")).unwrap(),
        "fn main() {}\n"
    );
}

#[test]
fn standard_output_gets_the_same_bytes_as_a_file() {
    let state = TestState::new();
    let chain = two_layers(&state);
    let path = state.path("image.tar");
    let to_stdout = Output {
        kind: OutputKind::Oci,
        dest: OutputDest::Stdout,
        compression: Compression::Gzip,
    };
    let mut stdout = Vec::new();
    let outputs = [output_to(OutputKind::Oci, &path), to_stdout];
    let finished = state
        .try_finish(&chain, &["app"], &outputs, &mut stdout)
        .unwrap();
    assert_eq!(fs::read(&path).unwrap(), stdout);
    assert_eq!(finished.bytes_written, 2 * stdout.len() as u64);
}

#[test]
fn an_output_that_fails_leaves_no_file() {
    let state = TestState::new();
    let chain = two_layers(&state);
    let missing = state.path("missing/image.tar");
    let error = state
        .try_finish(
            &chain,
            &[],
            &[output_to(OutputKind::Oci, &missing)],
            &mut Vec::new(),
        )
        .unwrap_err();
    assert!(told(&error).contains("missing"), "{}", told(&error));
    let dir = state.path("taken");
    fs::create_dir(&dir).unwrap();
    let tar = output_to(OutputKind::Tar, &dir);
    let error = state
        .try_finish(&chain, &[], &[tar], &mut Vec::new())
        .unwrap_err();
    assert!(told(&error).contains("taken"), "{}", told(&error));
    let left: Vec<_> = fs::read_dir(state.dir.path())
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_directory_cannot_go_to_standard_output() {
    let state = TestState::new();
    let output = Output {
        kind: OutputKind::Local,
        dest: OutputDest::Stdout,
        compression: Compression::Gzip,
    };
    let error = state
        .try_finish(&Chain::empty(), &[], &[output], &mut Vec::new())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "-o type=local needs a directory: dest=DIR"
    );
}

#[test]
fn what_is_no_name_is_refused_before_anything_is_written() {
    let state = TestState::new();
    let chain = two_layers(&state);
    let path = state.path("image.tar");
    for bad in ["App", &format!("app@sha256:{}", "0".repeat(64))] {
        let outputs = [output_to(OutputKind::Oci, &path)];
        let error = state
            .try_finish(&chain, &[bad], &outputs, &mut Vec::new())
            .unwrap_err();
        assert!(error.to_string().contains(bad), "{error}");
    }
    assert!(!path.exists());
    assert!(images::list(&state.engine).unwrap().is_empty());
}

#[test]
fn compressed_layers_are_made_once() {
    let state = TestState::new();
    let chain = two_layers(&state);
    let path = state.path("image.tar");
    let output = output_to(OutputKind::Oci, &path);
    state.finish(&chain, &["app"], std::slice::from_ref(&output));
    let mut contents = state.files("content");
    contents.sort();
    let times: Vec<_> = contents
        .iter()
        .map(|path| fs::metadata(path).unwrap().modified().unwrap())
        .collect();
    state.finish(&chain, &["app"], &[output]);
    let mut again = state.files("content");
    again.sort();
    assert_eq!(contents, again);
    let later: Vec<_> = again
        .iter()
        .map(|path| fs::metadata(path).unwrap().modified().unwrap())
        .collect();
    assert_eq!(times, later);
}

#[test]
fn metadata_has_the_keys_that_scripts_know() {
    let state = TestState::new();
    let path = state.path("image.tar");
    let output = output_to(OutputKind::Oci, &path);
    let finished = state.finish(&two_layers(&state), &["app", "app:v2"], &[output]);
    let metadata = serde_json::to_value(finished.metadata()).unwrap();
    let manifest = finished.manifest.unwrap();
    assert_eq!(
        metadata["containerimage.digest"],
        manifest.digest.to_string()
    );
    assert_eq!(
        metadata["containerimage.config.digest"],
        finished.image_id.to_string()
    );
    assert_eq!(metadata["containerimage.descriptor"]["size"], manifest.size);
    let names = "docker.io/library/app:latest,docker.io/library/app:v2";
    assert_eq!(metadata["image.name"], names);
}

#[test]
fn an_image_without_files_has_no_layers() {
    let state = TestState::new();
    let path = state.path("empty.tar");
    let finished = state.finish(
        &Chain::empty(),
        &[],
        &[output_to(OutputKind::Docker, &path)],
    );
    let mut bytes = Vec::new();
    fs::File::open(&path)
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    assert_eq!(finished.bytes_written, bytes.len() as u64);
    let image = images::inspect(&state.engine, &finished.image_id.to_string()).unwrap();
    assert!(image.chain.tip().is_none());
}
