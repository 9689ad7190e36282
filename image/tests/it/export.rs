//! What we write, read by others and by ourselves.

use std::fs::File;
use std::path::{Path, PathBuf};

use iechor_image::config::{History, ImageConfig};
use iechor_image::progress::silent;
use iechor_image::source::SourceLocation;
use iechor_image::{Compression, Image, ImageLayer, ImageRef, Platform};
use iechor_snapshotter::Chain;
use serde_json::Value;

use crate::store::{Store, store};
use crate::tarball::tar;
use crate::tool::{has, run, text};

pub(crate) fn linux() -> Platform {
    "linux/amd64".parse().unwrap()
}

pub(crate) fn sample_chain(store: &Store) -> Chain {
    store.layers(&[
        tar()
            .dir("etc")
            .file("etc/hosts", "localhost")
            .file("old", "1")
            .dir("d")
            .file("d/x", "1")
            .end(),
        tar()
            .file(".wh.old", "")
            .dir("d")
            .file("d/.wh..wh..opq", "")
            .file("d/y", "2")
            .hard_link("d/z", "d/y")
            .symlink("link", "etc/hosts")
            .end(),
    ])
}

/// An image of both layers of a chain.
pub(crate) fn sample_image(store: &Store, compression: Compression) -> Image {
    let chain = sample_chain(store);
    let blobs = store.snapshots.blobs();
    let layer = |chain: &Chain| {
        ImageLayer::generate(chain, blobs, compression, &store.content, &silent).unwrap()
    };
    let layers = vec![layer(&chain.below(1)), layer(&chain)];
    let mut config = ImageConfig::scratch(&linux());
    config.config.cmd = Some(vec!["/bin/true".into()]);
    config.config.env = vec!["PATH=/bin".into()];
    let history = |text: &str| History {
        created_by: text.into(),
        ..History::default()
    };
    config.history = vec![history("COPY a /"), history("RUN b")];
    Image::assemble(config, layers).unwrap()
}

fn tags() -> Vec<ImageRef> {
    ["team/app:v1", "localhost:5000/app:v2"]
        .map(|tag| tag.parse().unwrap())
        .to_vec()
}

const LISTING: [&str; 6] = [
    "d755 d",
    "f644 d/y \"2\"",
    "f644 d/z \"2\"",
    "d755 etc",
    "f644 etc/hosts \"localhost\"",
    "l link -> etc/hosts",
];

/// Reads an image back into a store of its own and compares everything.
fn check_read_back(location: &str, image: &Image) {
    let source = location.parse::<SourceLocation>().unwrap().open().unwrap();
    let resolved = source.resolve(&linux()).unwrap();
    assert_eq!(resolved.config_bytes, image.config_bytes, "{location}");
    let store = store();
    let mut chain = Chain::empty();
    for (layer, diff_id) in resolved
        .layers
        .iter()
        .zip(resolved.config.diff_ids().unwrap())
    {
        let path = store.content.fetch_layer(&*source, layer, &silent).unwrap();
        let (bytes, limits) = (File::open(path).unwrap(), Default::default());
        chain = store
            .layer_as(&chain, bytes, layer, diff_id, &limits)
            .unwrap()
            .0;
    }
    assert_eq!(store.listing(&chain), LISTING, "{location}");
}

/// A file or directory for an export, named after its kind.
fn destination(store: &Store, name: &str) -> PathBuf {
    store.dir().join(name)
}

fn inspect(location: &str) -> Value {
    serde_json::from_str(&run("skopeo", &["inspect", location])).unwrap()
}

fn check_inspected(location: &str, image: &Image) {
    let inspected = inspect(location);
    assert_eq!(inspected["Architecture"], "amd64", "{location}");
    assert_eq!(inspected["Env"][0], "PATH=/bin", "{location}");
    assert_eq!(
        inspected["Layers"].as_array().unwrap().len(),
        image.layers.len(),
        "{location}"
    );
}

#[test]
fn an_oci_layout_is_read_by_ourselves_skopeo_and_umoci() {
    let store = store();
    let dir = destination(&store, "layout");
    for compression in [
        Compression::Gzip,
        Compression::Zstd,
        Compression::Uncompressed,
    ] {
        let image = sample_image(&store, compression);
        image.write_oci_layout(&dir, &tags(), &silent).unwrap();
        check_read_back(&format!("oci-layout://{}:v1", text(&dir)), &image);
        check_read_back(&format!("oci-layout://{}:team/app:v1", text(&dir)), &image);
        check_read_back(
            &format!("oci-layout://{}@{}", text(&dir), image.manifest.digest),
            &image,
        );
        if has("skopeo") {
            check_inspected(&format!("oci:{}:v2", text(&dir)), &image);
        }
    }
    if has("umoci") {
        sample_image(&store, Compression::Gzip)
            .write_oci_layout(&dir, &tags(), &silent)
            .unwrap();
        assert_eq!(run("umoci", &["ls", "--layout", text(&dir)]), "v1\nv2\n");
        check_umoci(&dir, &destination(&store, "bundle"));
    }
}

/// umoci unpacks the image to what we say is in it.
fn check_umoci(layout: &Path, bundle: &Path) {
    let image = format!("{}:v1", text(layout));
    run(
        "umoci",
        &["unpack", "--rootless", "--image", &image, text(bundle)],
    );
    let found = run(
        "find",
        &[
            text(&bundle.join("rootfs")),
            "-mindepth",
            "1",
            "-printf",
            "%P\n",
        ],
    );
    let mut found: Vec<&str> = found.lines().collect();
    found.sort_unstable();
    assert_eq!(found, ["d", "d/y", "d/z", "etc", "etc/hosts", "link"]);
}

#[test]
fn a_layout_keeps_other_images_and_replaces_the_same_name() {
    let store = store();
    let dir = destination(&store, "layout");
    let (first, second) = (
        sample_image(&store, Compression::Gzip),
        sample_image(&store, Compression::Zstd),
    );
    let tag = |tag: &str| [tag.parse::<ImageRef>().unwrap()];
    first
        .write_oci_layout(&dir, &tag("app:a"), &silent)
        .unwrap();
    second
        .write_oci_layout(&dir, &tag("app:b"), &silent)
        .unwrap();
    second
        .write_oci_layout(&dir, &tag("app:a"), &silent)
        .unwrap();
    let index: Value =
        serde_json::from_slice(&std::fs::read(dir.join("index.json")).unwrap()).unwrap();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 2);
    for name in ["a", "b"] {
        let source = format!("oci-layout://{}:{name}", text(&dir))
            .parse::<SourceLocation>()
            .unwrap();
        let resolved = source.open().unwrap().resolve(&linux()).unwrap();
        assert_eq!(resolved.manifest.digest, second.manifest.digest);
    }
}

#[test]
fn an_oci_archive_is_read_by_ourselves_and_skopeo() {
    let store = store();
    let path = destination(&store, "image.tar");
    let image = sample_image(&store, Compression::Gzip);
    image
        .write_oci_archive(&mut File::create(&path).unwrap(), &tags()[..1], &silent)
        .unwrap();
    check_read_back(&format!("oci-archive://{}", text(&path)), &image);
    if has("skopeo") {
        check_inspected(&format!("oci-archive:{}", text(&path)), &image);
    }
}

#[test]
fn a_docker_archive_is_read_by_ourselves_and_skopeo() {
    let store = store();
    let path = destination(&store, "image.tar");
    for compression in [Compression::Gzip, Compression::Uncompressed] {
        let image = sample_image(&store, compression);
        image
            .write_docker_archive(&mut File::create(&path).unwrap(), &tags(), &silent)
            .unwrap();
        check_read_back(&format!("docker-archive://{}", text(&path)), &image);
        check_read_back(
            &format!("docker-archive://{}:team/app:v1", text(&path)),
            &image,
        );
        check_read_back(&format!("oci-archive://{}:v1", text(&path)), &image);
        if has("skopeo") {
            check_inspected(
                &format!("docker-archive:{}:localhost:5000/app:v2", text(&path)),
                &image,
            );
        }
    }
}

#[test]
fn compressed_archives_are_read_as_well() {
    let store = store();
    let path = destination(&store, "image.tar.gz");
    let image = sample_image(&store, Compression::Gzip);
    let mut encoder =
        flate2::write::GzEncoder::new(File::create(&path).unwrap(), flate2::Compression::fast());
    image
        .write_docker_archive(&mut encoder, &tags(), &silent)
        .unwrap();
    encoder.finish().unwrap();
    check_read_back(&format!("docker-archive://{}", text(&path)), &image);
}

#[test]
fn exports_are_the_same_bytes_each_time() {
    let archive = |compression| {
        let store = store();
        let mut bytes = Vec::new();
        let image = sample_image(&store, compression);
        image
            .write_docker_archive(&mut bytes, &tags(), &silent)
            .unwrap();
        bytes
    };
    for compression in [Compression::Gzip, Compression::Zstd] {
        assert!(
            archive(compression) == archive(compression),
            "{compression}"
        );
    }
}

#[test]
fn an_image_is_stored_and_loaded() {
    let store = store();
    let image = sample_image(&store, Compression::Gzip);
    image.store(&store.content).unwrap();
    let loaded = Image::load(&image.manifest, &store.content).unwrap();
    assert_eq!(loaded.config, image.config);
    assert_eq!(loaded.layers.len(), 2);
    assert_eq!(loaded.layers[1].diff_id, image.layers[1].diff_id);
}

#[test]
fn a_lost_layer_is_named() {
    let store = store();
    let image = sample_image(&store, Compression::Gzip);
    store
        .content
        .remove(&image.layers[0].descriptor.digest)
        .unwrap();
    let error = image
        .write_oci_archive(&mut Vec::new(), &[], &silent)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        format!("cannot open {}", image.layers[0].path.display())
    );
}
