//! Local archives, as `ADD` unpacks them.

use std::io::Write;
use std::path::PathBuf;

use iechor_image::layer::{ArchivePlacement, Limits, UnpackError, is_archive, unpack_archive};
use iechor_image::progress::silent;
use iechor_snapshotter::Chain;

use crate::store::{Store, store};
use crate::tarball::{Tar, tar};

fn add(
    store: &Store,
    below: &Chain,
    bytes: &[u8],
    placement: &ArchivePlacement<'_>,
) -> Result<Chain, UnpackError> {
    let mut writer = store.snapshots.new_layer(below).unwrap();
    let (blobs, limits) = (store.snapshots.blobs(), Limits::default());
    let added = unpack_archive(bytes, placement, &mut writer, blobs, &limits, &silent);
    store.assert_contained();
    added?;
    Ok(writer.commit().unwrap())
}

fn into(directory: &str) -> ArchivePlacement<'static> {
    ArchivePlacement {
        directory: PathBuf::from(directory),
        ..ArchivePlacement::default()
    }
}

/// What is shown after an archive was added to a directory of a base.
fn check(base: Tar, archive: Tar, directory: &str, expected: &[&str]) {
    let store = store();
    let chain = store.layers(&[base.end()]);
    let chain = add(&store, &chain, &archive.end(), &into(directory)).unwrap();
    assert_eq!(store.listing(&chain), expected);
}

#[test]
fn an_archive_goes_where_it_is_put() {
    check(
        tar(),
        tar()
            .dir("./")
            .file("./a", "1")
            .symlink("b", "a")
            .hard_link("c", "a"),
        "srv/data",
        &[
            "d755 srv",
            "d755 srv/data",
            "f644 srv/data/a \"1\"",
            "l srv/data/b -> a",
            "f644 srv/data/c \"1\"",
        ],
    );
}

#[test]
fn entries_below_links_of_the_tree_go_where_these_lead() {
    check(
        tar().dir("usr").dir("usr/lib").symlink("lib", "usr/lib"),
        tar().file("lib/x", "1"),
        "",
        &[
            "l lib -> usr/lib",
            "d755 usr",
            "d755 usr/lib",
            "f644 usr/lib/x \"1\"",
        ],
    );
    check(
        tar().dir("usr").symlink("lib", "/../../usr"),
        tar().file("lib/sub/x", "1"),
        "",
        &[
            "l lib -> /../../usr",
            "d755 usr",
            "d755 usr/sub",
            "f644 usr/sub/x \"1\"",
        ],
    );
}

#[test]
fn an_entry_replaces_a_link_in_its_own_place() {
    check(
        tar().dir("usr").symlink("a", "usr").symlink("lib", "usr"),
        tar().file("a", "1").dir("lib").file("lib/x", "1"),
        "",
        &["f644 a \"1\"", "d755 lib", "f644 lib/x \"1\"", "d755 usr"],
    );
}

#[test]
fn whiteout_names_are_plain_names() {
    check(
        tar().file("a", "1"),
        tar().file(".wh.a", ""),
        "",
        &["f644 .wh.a \"\"", "f644 a \"1\""],
    );
}

#[test]
fn owner_and_mode_can_be_given() {
    let store = store();
    let chmod = |mode, is_directory| if is_directory { 0o750 } else { mode | 0o111 };
    let placement = ArchivePlacement {
        directory: PathBuf::new(),
        owner: Some((1000, 1001)),
        chmod: Some(&chmod),
    };
    let archive = tar().dir("d").file("d/x", "1").symlink("l", "d").end();
    let chain = add(&store, &Chain::empty(), &archive, &placement).unwrap();
    assert_eq!(
        store.listing(&chain),
        ["d750 d", "f755 d/x \"1\"", "l l -> d"]
    );
    let tree = store.tree(&chain);
    for (_, node) in tree.read_dir(&tree.root()) {
        assert_eq!((node.metadata().uid, node.metadata().gid), (1000, 1001));
    }
}

#[test]
fn every_compression_is_detected() {
    let plain = tar().file("a", "1").end();
    let gzip = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&plain).unwrap();
        encoder.finish().unwrap()
    };
    let bzip2 = {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(&plain).unwrap();
        encoder.finish().unwrap()
    };
    let xz = {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
        encoder.write_all(&plain).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = zstd::encode_all(&plain[..], 1).unwrap();
    for bytes in [plain, gzip, bzip2, xz, zstd] {
        let store = store();
        assert!(is_archive(&bytes[..]));
        let chain = add(&store, &Chain::empty(), &bytes, &into("")).unwrap();
        assert_eq!(store.listing(&chain), ["f644 a \"1\""]);
    }
}

#[test]
fn what_is_no_archive_is_not_taken_for_one() {
    let text = zstd::encode_all(&b"just text, compressed"[..], 1).unwrap();
    let others: [&[u8]; 5] = [b"", b"text", &[0; 2048], &[0x1f, 0x8b, 0, 0], &text];
    for bytes in others {
        assert!(!is_archive(bytes), "{bytes:?}");
    }
}

#[test]
fn an_archive_cannot_leave_the_tree() {
    let store = store();
    for archive in [
        tar().file("../x", ""),
        tar().file("a/../../x", ""),
        tar().hard_link("a", "../b"),
    ] {
        let error = add(&store, &Chain::empty(), &archive.end(), &into("d"))
            .map(drop)
            .unwrap_err();
        assert!(error.to_string().contains("\"..\""), "{error}");
    }
    let outside = store.outside();
    let archive = tar().symlink("l", &outside).file("l/canary", "x").end();
    let chain = add(&store, &Chain::empty(), &archive, &into("")).unwrap();
    let inside = format!("{}/canary", outside.trim_start_matches('/'));
    let line = format!("f644 {inside} \"x\"");
    assert!(
        store.listing(&chain).contains(&line),
        "{:?}",
        store.listing(&chain)
    );
}

#[test]
fn links_in_a_circle_are_an_error() {
    let store = store();
    let chain = store.layers(&[tar().symlink("a", "b").symlink("b", "a").end()]);
    assert!(add(&store, &chain, &tar().file("a/x", "").end(), &into("")).is_err());
}

#[test]
fn an_entry_below_a_file_is_refused() {
    let store = store();
    let chain = store.layers(&[tar().file("a", "1").end()]);
    let error = add(&store, &chain, &tar().file("a/x", "").end(), &into(""))
        .map(drop)
        .unwrap_err();
    assert!(error.to_string().contains("lies below \"a\""), "{error}");
}
