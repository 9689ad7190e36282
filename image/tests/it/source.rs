//! Layouts and archives that are not what they should be, and old ones that are.

use std::fs;
use std::path::Path;

use iechor_image::config::ImageConfig;
use iechor_image::progress::silent;
use iechor_image::source::{SourceError, SourceLocation};
use iechor_image::{Compression, ImageRef, ResolvedImage};
use iechor_snapshotter::Digest;

use crate::export::{linux, sample_image};
use crate::store::{Store, store};
use crate::tarball::{Tar, tar};
use crate::tool::text;

fn resolve(kind: &str, path: &Path, selector: &str) -> Result<ResolvedImage, SourceError> {
    let location: SourceLocation = format!("{kind}://{}{selector}", text(path))
        .parse()
        .unwrap();
    location.open()?.resolve(&linux())
}

fn error(kind: &str, path: &Path, selector: &str) -> String {
    resolve(kind, path, selector).unwrap_err().to_string()
}

/// A layout with one image of two names.
fn layout(store: &Store) -> std::path::PathBuf {
    let dir = store.dir().join("layout");
    let tags: [ImageRef; 2] = ["app:a", "app:b"].map(|tag| tag.parse().unwrap());
    sample_image(store, Compression::Gzip)
        .write_oci_layout(&dir, &tags, &silent)
        .unwrap();
    dir
}

#[test]
fn a_missing_or_other_directory_is_told() {
    let store = store();
    let missing = store.dir().join("missing");
    let expected = format!(
        "{} is not an OCI layout: it has no file \"oci-layout\"",
        text(&missing)
    );
    assert_eq!(error("oci-layout", &missing, ""), expected);
    assert!(error("oci-archive", &missing, "").starts_with("cannot read"));
    assert!(error("docker-archive", &missing, "").starts_with("cannot read"));
}

#[test]
fn names_that_are_not_there_are_told_with_those_that_are() {
    let store = store();
    let dir = layout(&store);
    assert!(
        resolve("oci-layout", &dir, "").is_ok(),
        "one image of two names"
    );
    let other: ImageRef = "app:o".parse().unwrap();
    sample_image(&store, Compression::Zstd)
        .write_oci_layout(&dir, &[other], &silent)
        .unwrap();
    let names = ["a", "b", "o"]
        .map(|tag| format!("docker.io/library/app:{tag}"))
        .join(", ");
    let expected = format!("{} has no image \"c\": it has {names}", text(&dir));
    assert_eq!(error("oci-layout", &dir, ":c"), expected);
    let expected = format!("{} has several images: name one of {names}", text(&dir));
    assert_eq!(error("oci-layout", &dir, ""), expected);
    assert!(resolve("oci-layout", &dir, ":a").is_ok());
}

#[test]
fn damaged_documents_are_refused() {
    let store = store();
    let dir = layout(&store);
    let image = sample_image(&store, Compression::Gzip);
    let blob = |digest: &Digest| dir.join("blobs/sha256").join(digest.hex());
    let good = fs::read(blob(&image.config.digest)).unwrap();
    for damage in [
        &good[1..],
        &b"x"[..],
        &good.iter().map(|byte| byte ^ 1).collect::<Vec<_>>(),
    ] {
        fs::write(blob(&image.config.digest), damage).unwrap();
        assert!(error("oci-layout", &dir, ":a").starts_with("configuration of"));
    }
    fs::remove_file(blob(&image.config.digest)).unwrap();
    assert!(error("oci-layout", &dir, ":a").contains("it has no blob sha256:"));
}

#[test]
fn a_pipe_in_the_place_of_a_blob_does_not_hang() {
    let store = store();
    let dir = layout(&store);
    let image = sample_image(&store, Compression::Gzip);
    let path = dir.join("blobs/sha256").join(image.config.digest.hex());
    fs::remove_file(&path).unwrap();
    let mode = rustix::fs::Mode::RWXU;
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    assert!(error("oci-layout", &dir, ":a").starts_with("cannot read"));
}

/// An archive as docker before version 25 writes them, with a link in the place of a layer.
fn legacy(edit: impl FnOnce(Tar) -> Tar) -> (Store, std::path::PathBuf) {
    let store = store();
    let layer = String::from_utf8(tar().file("a", "1").end()).unwrap();
    let digest = Digest::of(layer.as_bytes()).to_string();
    let mut config = ImageConfig::scratch(&linux());
    config.rootfs.diff_ids = vec![digest.clone(), digest];
    let config = String::from_utf8(config.to_bytes().unwrap()).unwrap();
    let name = format!("{}.json", Digest::of(config.as_bytes()).hex());
    let manifest = format!(
        r#"[{{"Config":"{name}","RepoTags":["app:v1"],"Layers":["1/layer.tar","2/layer.tar"]}}]"#
    );
    let archive = edit(tar().dir("1").file("1/layer.tar", &layer))
        .symlink("2/layer.tar", "../1/layer.tar")
        .file(&name, &config)
        .file("manifest.json", &manifest);
    let path = store.dir().join("image.tar");
    fs::write(&path, archive.end()).unwrap();
    (store, path)
}

#[test]
fn old_docker_archives_are_read_with_their_links() {
    let (store, path) = legacy(|tar| tar);
    let location: SourceLocation = format!("docker-archive://{}:app:v1", text(&path))
        .parse()
        .unwrap();
    let source = location.open().unwrap();
    let resolved = source.resolve(&linux()).unwrap();
    assert_eq!(resolved.layers.len(), 2);
    for layer in &resolved.layers {
        store.content.fetch_layer(&*source, layer, &silent).unwrap();
    }
    assert_eq!(
        error("docker-archive", &path, ":other"),
        format!("{} has no image \"other\": it has app:v1", text(&path))
    );
}

#[test]
fn an_archive_that_is_none_is_told() {
    let store = store();
    let path = store.dir().join("image.tar");
    fs::write(&path, tar().file("a", "1").end()).unwrap();
    assert!(error("docker-archive", &path, "").ends_with("it has no file \"manifest.json\""));
    assert!(error("oci-archive", &path, "").ends_with("it has no file \"oci-layout\""));
    fs::write(&path, "text").unwrap();
    assert!(resolve("docker-archive", &path, "").is_err());
}
