//! What a layer is announced as and what it is (T13).

use iechor_image::layer::compress::Compressor;
use iechor_image::layer::{Limits, UnpackError};
use iechor_image::media_type::{
    DOCKER_LAYER, DOCKER_LAYER_GZIP, OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD,
};
use iechor_image::{Compression, Descriptor};
use iechor_snapshotter::{Chain, DiffId, Digest};
use std::io::Write;

use crate::store::store;
use crate::tarball::tar;

fn sample() -> Vec<u8> {
    tar()
        .file("a", "1")
        .dir("d")
        .file("d/b", &"text ".repeat(10_000))
        .end()
}

fn compressed(compression: Compression, bytes: &[u8]) -> Vec<u8> {
    let mut compressor = Compressor::new(compression, Vec::new()).unwrap();
    compressor.write_all(bytes).unwrap();
    compressor.finish().unwrap()
}

fn unpacked(
    bytes: &[u8],
    descriptor: &Descriptor,
    diff_id: Digest,
) -> Result<Vec<String>, UnpackError> {
    let (store, limits) = (store(), Limits::default());
    let diff_id = DiffId::new(diff_id);
    let (chain, _) = store.layer_as(&Chain::empty(), bytes, descriptor, diff_id, &limits)?;
    Ok(store.listing(&chain))
}

fn error(bytes: &[u8], descriptor: &Descriptor) -> String {
    unpacked(bytes, descriptor, Digest::of(&sample()))
        .unwrap_err()
        .to_string()
}

#[test]
fn every_media_type_of_a_layer_is_read() {
    let tar = sample();
    for (media_type, compression) in [
        (OCI_LAYER, Compression::Uncompressed),
        (DOCKER_LAYER, Compression::Uncompressed),
        (OCI_LAYER_GZIP, Compression::Gzip),
        (DOCKER_LAYER_GZIP, Compression::Gzip),
        (OCI_LAYER_ZSTD, Compression::Zstd),
    ] {
        let bytes = compressed(compression, &tar);
        let listing = unpacked(
            &bytes,
            &Descriptor::of(media_type, &bytes),
            Digest::of(&tar),
        );
        assert_eq!(
            listing.unwrap(),
            ["f644 a \"1\"", "d755 d", "f644 d/b 50000"],
            "{media_type}"
        );
    }
}

#[test]
fn gzip_of_several_members_is_read_to_the_last() {
    let tar = sample();
    let (first, second) = tar.split_at(700);
    let bytes = [
        compressed(Compression::Gzip, first),
        compressed(Compression::Gzip, second),
    ]
    .concat();
    let listing = unpacked(
        &bytes,
        &Descriptor::of(OCI_LAYER_GZIP, &bytes),
        Digest::of(&tar),
    );
    assert_eq!(listing.unwrap().len(), 3);
}

#[test]
fn other_media_types_are_refused() {
    let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    assert!(error(&sample(), &Descriptor::of(foreign, &sample())).contains(foreign));
}

#[test]
fn a_wrong_digest_names_both() {
    let bytes = compressed(Compression::Gzip, &sample());
    let wrong = Descriptor::new(OCI_LAYER_GZIP, Digest::of(b"other"), bytes.len() as u64);
    let message = error(&bytes, &wrong);
    let expected = format!(
        "layer has digest {}, not {}",
        Digest::of(&bytes),
        Digest::of(b"other")
    );
    assert_eq!(message, expected);
}

#[test]
fn a_wrong_diff_id_names_both() {
    let tar = sample();
    let message = unpacked(&tar, &Descriptor::of(OCI_LAYER, &tar), Digest::of(b"other"));
    let expected = format!(
        "layer has diff ID {}, not {}",
        Digest::of(&tar),
        Digest::of(b"other")
    );
    assert_eq!(message.unwrap_err().to_string(), expected);
}

#[test]
fn a_truncated_layer_is_told_as_such() {
    for compression in [
        Compression::Uncompressed,
        Compression::Gzip,
        Compression::Zstd,
    ] {
        let bytes = compressed(compression, &sample());
        let descriptor = Descriptor::of(compression.media_type(), &bytes);
        for end in [0, 1, 10, bytes.len() / 2, bytes.len() - 1] {
            let message = error(&bytes[..end], &descriptor);
            let expected = format!("is {end} bytes long, not {}", bytes.len());
            assert!(
                message.ends_with(&expected),
                "{compression} {end}: {message}"
            );
        }
    }
}

#[test]
fn a_layer_that_goes_on_is_refused() {
    let mut bytes = compressed(Compression::Gzip, &sample());
    let descriptor = Descriptor::of(OCI_LAYER_GZIP, &bytes);
    bytes.extend_from_slice(&compressed(Compression::Gzip, &[0; 512]));
    assert!(error(&bytes, &descriptor).contains("bytes long, not"));
}

#[test]
fn garbage_is_refused() {
    let garbage = [7; 4096];
    for media_type in [OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD] {
        let message = error(&garbage, &Descriptor::of(media_type, &garbage));
        assert!(message == "cannot read the archive" || message.contains("no valid tar header"));
    }
}

#[test]
fn a_flipped_bit_is_found() {
    let good = compressed(Compression::Gzip, &sample());
    let descriptor = Descriptor::of(OCI_LAYER_GZIP, &good);
    for at in (0..good.len()).step_by(good.len() / 40) {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        assert!(
            unpacked(&bytes, &descriptor, Digest::of(&sample())).is_err(),
            "byte {at}"
        );
    }
}
