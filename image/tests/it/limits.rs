//! Limits (T9, T10, T11): what is at the limit passes, what is over it is refused by name.

use std::io::Write;
use std::path::Path;

use iechor_image::Descriptor;
use iechor_image::layer::{Limits, UnpackError};
use iechor_image::media_type::{OCI_LAYER_GZIP, OCI_LAYER_ZSTD};
use iechor_snapshotter::tree::Follow;
use iechor_snapshotter::{Chain, DiffId, Digest};
use tar::EntryType;

use crate::store::store;
use crate::tarball::{Tar, header, record, tar};

/// The limit that an archive breaks.
fn broken(layer: Tar, limits: &Limits) -> Option<&'static str> {
    match store().layer_within(&Chain::empty(), &layer.end(), limits) {
        Ok(_) => None,
        Err(UnpackError::Limit { name, .. }) => Some(name),
        Err(error) => panic!("{error}"),
    }
}

fn check(name: &'static str, limits: &Limits, at: Tar, over: Tar) {
    assert_eq!(broken(at, limits), None, "{name} at the limit");
    assert_eq!(broken(over, limits), Some(name), "{name} over the limit");
}

fn attributes(count: usize) -> Tar {
    let record = |n| record(&format!("SCHILY.xattr.user.{n}"), "v");
    tar()
        .pax(&(0..count).map(record).collect::<Vec<_>>())
        .file("a", "")
}

#[test]
fn each_limit_has_its_name() {
    let limits = Limits::default();
    let named = |name: String| tar().pax(&[record("path", name)]).file("x", "");
    let nested = |depth: usize| named(vec!["d"; depth].join("/"));
    let valued = |size: usize| {
        tar()
            .pax(&[record("SCHILY.xattr.user.a", vec![b'v'; size])])
            .file("a", "")
    };
    check(
        "component_bytes",
        &limits,
        named("n".repeat(255)),
        named("n".repeat(256)),
    );
    check("depth", &limits, nested(256), nested(257));
    check(
        "path_bytes",
        &limits,
        named(format!("{}n", "/".repeat(4095))),
        named(format!("{}n", "/".repeat(4096))),
    );
    check("xattr_bytes", &limits, valued(65_536), valued(65_537));
    check("xattrs", &limits, attributes(1024), attributes(1025));
}

#[test]
fn entries_are_counted() {
    let limits = Limits {
        entries: 3,
        ..Limits::default()
    };
    let at = tar().dir("a").dir("b").file("c", "");
    check("entries", &limits, at.clone(), at.file("d", ""));
}

#[test]
fn headers_are_bounded_before_they_are_read() {
    let limits = Limits::default();
    // The record is as long as its length says: seven digits, a blank, "comment=" and a newline.
    let comment = |size: usize| {
        let bytes = record("comment", vec![b'c'; size - "1048576 comment=\n".len()]);
        assert_eq!(bytes.len(), size);
        tar().pax(&[bytes]).file("a", "")
    };
    assert_eq!(broken(comment(1 << 20), &limits), None);
    assert_eq!(
        broken(comment((1 << 20) + 1), &limits),
        Some("header_bytes")
    );
    let longname = tar().raw(&header(EntryType::GNULongName, b"x", 4 << 30), b"");
    assert_eq!(broken(longname, &limits), Some("header_bytes"));
}

#[test]
fn logical_sizes_of_sparse_files_are_counted() {
    let sparse = |name: &str, size: u64| {
        let records = [
            record("GNU.sparse.size", size.to_string()),
            record("GNU.sparse.name", name),
            record("GNU.sparse.map", "0,1"),
        ];
        tar().pax(&records).file("x", "1")
    };
    let limits = Limits::default();
    assert_eq!(
        broken(sparse("a", (1 << 40) + 1), &limits),
        Some("logical_bytes")
    );
    let limits = Limits {
        logical_bytes: 1 << 20,
        ..limits
    };
    let both = |size| tar().bytes(&[sparse("a", 1 << 19).cut(), sparse("b", size).cut()].concat());
    check("logical_bytes", &limits, both(1 << 19), both((1 << 19) + 1));
}

#[test]
fn a_large_sparse_file_takes_no_space() {
    use std::os::unix::fs::MetadataExt;
    let store = store();
    let records = [
        record("GNU.sparse.size", (1_u64 << 30).to_string()),
        record("GNU.sparse.name", "hole"),
        record("GNU.sparse.map", format!("{},4", (1_u64 << 30) - 4)),
    ];
    let layer = tar().pax(&records).file("x", "tail").end();
    let chain = store.layer(&Chain::empty(), &layer).unwrap();
    let tree = store.tree(&chain);
    let node = tree
        .resolve(Path::new("hole"), Follow::NotLast)
        .unwrap()
        .unwrap();
    assert_eq!(node.stat().size, 1 << 30);
    assert!(tree.open(&node).unwrap().metadata().unwrap().blocks() < 2048);
}

#[test]
fn maps_of_holes_must_make_sense() {
    for map in [
        "0,4,2,4",
        "8,4,0,4",
        "0,100",
        "99,9",
        "0,4,",
        "x,4",
        "0,18446744073709551615",
    ] {
        let records = [
            record("GNU.sparse.size", "100"),
            record("GNU.sparse.map", map),
        ];
        let layer = tar().pax(&records).file("a", "12345678").end();
        let error = store()
            .layer(&Chain::empty(), &layer)
            .map(drop)
            .unwrap_err()
            .to_string();
        assert!(error.contains("invalid map of its holes"), "{map}: {error}");
    }
}

/// Bytes that are `size` zeros behind a header, compressed.
fn bomb(size: u64, compress: impl FnOnce(&mut dyn std::io::Read) -> Vec<u8>) -> (Vec<u8>, Digest) {
    use std::io::Read;
    let header = header(EntryType::Regular, b"zeros", size);
    let mut whole = header
        .as_bytes()
        .chain(std::io::repeat(0).take(size + 1024));
    (compress(&mut whole), Digest::of(b"never reached"))
}

fn broken_by(bytes: &[u8], media_type: &str, limits: &Limits) -> &'static str {
    let store = store();
    let descriptor = Descriptor::of(media_type, bytes);
    let diff_id = DiffId::new(Digest::of(b""));
    match store.layer_as(&Chain::empty(), bytes, &descriptor, diff_id, limits) {
        Err(UnpackError::Limit { name, .. }) => name,
        other => panic!("{:?}", other.map(|(_, unpacked)| unpacked)),
    }
}

#[test]
fn a_decompression_bomb_is_stopped_by_its_ratio() {
    let (bytes, _) = bomb(256 << 20, |input| {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        std::io::copy(input, &mut encoder).unwrap();
        encoder.finish().unwrap()
    });
    assert!(bytes.len() < 100_000, "{}", bytes.len());
    assert_eq!(
        broken_by(&bytes, OCI_LAYER_ZSTD, &Limits::default()),
        "ratio"
    );
}

#[test]
fn a_layer_is_bounded_whatever_its_members() {
    let (member, _) = bomb(1 << 20, |input| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::copy(input, &mut encoder).unwrap();
        encoder.flush().unwrap();
        encoder.finish().unwrap()
    });
    let limits = Limits {
        layer_bytes: 512 << 10,
        ..Limits::default()
    };
    assert_eq!(broken_by(&member, OCI_LAYER_GZIP, &limits), "layer_bytes");
}

#[test]
fn a_zstd_window_beyond_128_mib_is_refused() {
    let (bytes, _) = bomb(1 << 20, |input| {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(28).unwrap();
        encoder.include_contentsize(false).unwrap();
        std::io::copy(input, &mut encoder).unwrap();
        encoder.finish().unwrap()
    });
    let store = store();
    let descriptor = Descriptor::of(OCI_LAYER_ZSTD, &bytes);
    let diff_id = DiffId::new(Digest::of(b""));
    let limits = Limits::default();
    let result = store.layer_as(&Chain::empty(), &bytes[..], &descriptor, diff_id, &limits);
    assert!(
        matches!(result, Err(UnpackError::Read(_))),
        "{:?}",
        result.map(|(_, unpacked)| unpacked)
    );
}
