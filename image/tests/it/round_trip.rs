//! What goes into a tree comes out of it: archive, layer, archive.

use std::path::Path;

use iechor_image::layer::{WriteError, diff_id_of, write_layer_tar, write_rootfs_tar};
use iechor_snapshotter::tree::{Follow, Node, Tree};
use iechor_snapshotter::{Chain, Digest, Metadata, NodeKind, Timestamp, Xattr};
use tar::EntryType;

use crate::store::{Store, store};
use crate::tarball::{Tar, record, tar};

fn written(store: &Store, chain: &Chain) -> Vec<u8> {
    let mut bytes = Vec::new();
    let size = write_layer_tar(chain, store.snapshots.blobs(), &mut bytes).unwrap();
    assert_eq!(size, bytes.len() as u64);
    let (diff_id, tar_size) = diff_id_of(chain, store.snapshots.blobs()).unwrap();
    assert_eq!((*diff_id.digest(), tar_size), (Digest::of(&bytes), size));
    bytes
}

/// Layers written out, unpacked in another store, show the same tree with the same metadata, and
/// are written the same again.
fn check(layers: &[Tar]) -> Vec<Vec<u8>> {
    let (first, second) = (store(), store());
    let (mut chain, mut copy) = (Chain::empty(), Chain::empty());
    let mut tars = Vec::new();
    for layer in layers {
        chain = first.layer(&chain, &layer.clone().end()).unwrap();
        let bytes = written(&first, &chain);
        copy = second.layer(&copy, &bytes).unwrap();
        assert_eq!(written(&second, &copy), bytes);
        assert_eq!(facts(&first.tree(&chain)), facts(&second.tree(&copy)));
        tars.push(bytes);
    }
    tars
}

fn facts(tree: &Tree) -> Vec<(String, NodeKind, Metadata, u32)> {
    fn walk(tree: &Tree, dir: &Node, facts: &mut Vec<(String, NodeKind, Metadata, u32)>) {
        for (_, node) in tree.read_dir(dir) {
            let links = if node.is_dir() { 0 } else { node.stat().nlink };
            facts.push((
                node.path().display().to_string(),
                node.kind(),
                node.metadata(),
                links,
            ));
            walk(tree, &node, facts);
        }
    }
    let mut facts = Vec::new();
    walk(tree, &tree.root(), &mut facts);
    facts
}

/// Names in an archive, in order.
fn names(bytes: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(bytes);
    let name = |entry: tar::Entry<'_, &[u8]>| entry.path().unwrap().display().to_string();
    archive
        .entries()
        .unwrap()
        .map(|entry| name(entry.unwrap()))
        .collect()
}

#[test]
fn every_kind_of_entry_survives() {
    let long = format!("{}/{}", "d".repeat(200), "f".repeat(200));
    check(&[tar()
        .dir_mode("bin", 0o1777)
        .edited(EntryType::Regular, "bin/su", b"#!", |header| {
            header.set_mode(0o6755);
        })
        .hard_link("bin/su2", "bin/su")
        .symlink("bin/sh", "su")
        .hard_link("bin/sh2", "bin/sh")
        .device(EntryType::Char, "dev/null", 1, 3)
        .device(EntryType::Block, "dev/big", 4095, 1_048_575)
        .fifo("pipe")
        .pax(&[record("path", &long)])
        .file("x", "long")
        .pax(&[record("linkpath", &long)])
        .symlink("long", "x")
        .file(b"\xff\xfe\n", "bytes")]);
}

#[test]
fn metadata_survives_to_the_nanosecond() {
    check(&[tar()
        .pax(&[
            record("mtime", "1234567890.123456789"),
            record("uid", "4294967294"),
            record("gid", "2097152"),
            record("SCHILY.xattr.security.capability", [1, 0, 0, 2, 0, 10]),
            record("SCHILY.xattr.user.x", b"\n\0="),
        ])
        .file("a", "1")
        .pax(&[record("mtime", "-1.5")])
        .file("before", "")
        .pax(&[record("mtime", "99999999999.000000001")])
        .dir("after")]);
}

#[test]
fn whiteouts_survive() {
    let tars = check(&[
        tar()
            .file("a", "1")
            .file("b", "1")
            .dir("d")
            .file("d/x", "1")
            .dir("e")
            .file("e/y", "1"),
        tar()
            .file(".wh.a", "")
            .dir("d")
            .file("d/.wh..wh..opq", "")
            .file("d/z", "2")
            .file("e/.wh.y", ""),
    ]);
    assert_eq!(
        names(&tars[1]),
        [".wh.a", "d/", "d/.wh..wh..opq", "d/z", "e/", "e/.wh.y"]
    );
}

#[test]
fn entries_are_sorted_whatever_their_order() {
    let tars = check(&[tar()
        .file("b", "1")
        .file("a-b", "1")
        .dir("a")
        .file("a/z", "1")
        .file("a/b", "1")]);
    assert_eq!(names(&tars[0]), ["a/", "a/b", "a/z", "a-b", "b"]);
}

#[test]
fn a_link_to_a_file_of_a_lower_layer_is_written_as_a_file() {
    let tars = check(&[tar().file("a", "1"), tar().hard_link("b", "a")]);
    let mut archive = tar::Archive::new(&tars[1][..]);
    let kinds = archive
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().header().entry_type());
    assert_eq!(
        kinds.collect::<Vec<_>>(),
        [EntryType::Regular, EntryType::Link]
    );
}

#[test]
fn plain_entries_need_no_extended_header() {
    let tars = check(&[tar().dir("usr").file("usr/a", "1").symlink("b", "usr/a")]);
    assert_eq!(tars[0].len(), 512 * (3 + 1 + 2));
}

#[test]
fn names_that_look_like_whiteouts_cannot_be_written() {
    let store = store();
    let mut writer = store.snapshots.new_layer(&Chain::empty()).unwrap();
    let blob = store.snapshots.blobs().put(b"").unwrap();
    let kind = NodeKind::Regular { blob, size: 0 };
    writer
        .put(Path::new("d/.wh.x"), kind, Metadata::default())
        .unwrap();
    let chain = writer.commit().unwrap();
    let error = write_layer_tar(&chain, store.snapshots.blobs(), &mut Vec::new()).unwrap_err();
    let expected =
        "d/.wh.x cannot be part of an image: names that begin with \".wh.\" mark removed files";
    assert_eq!(error.to_string(), expected);
    assert!(write_rootfs_tar(&chain, store.snapshots.blobs(), &mut Vec::new()).is_ok());
}

#[test]
fn attributes_with_an_equals_sign_cannot_be_written() {
    let store = store();
    let mut writer = store.snapshots.new_layer(&Chain::empty()).unwrap();
    let xattrs = vec![Xattr {
        name: b"user.a=b".to_vec(),
        value: b"c".to_vec(),
    }];
    let metadata = Metadata {
        xattrs,
        mtime: Timestamp::default(),
        ..Metadata::default()
    };
    writer
        .put(Path::new("d"), NodeKind::Directory, metadata)
        .unwrap();
    let chain = writer.commit().unwrap();
    let error = write_layer_tar(&chain, store.snapshots.blobs(), &mut Vec::new()).unwrap_err();
    assert!(matches!(error, WriteError::AttributeName { .. }), "{error}");
}

#[test]
fn a_whole_tree_is_written_merged() {
    let store = store();
    let chain = crate::export::sample_chain(&store);
    let mut bytes = Vec::new();
    write_rootfs_tar(&chain, store.snapshots.blobs(), &mut bytes).unwrap();
    assert_eq!(
        names(&bytes),
        ["d/", "d/y", "d/z", "etc/", "etc/hosts", "link"]
    );
    let copy = store.layer(&Chain::empty(), &bytes).unwrap();
    assert_eq!(store.listing(&copy), store.listing(&chain));
}

#[test]
fn gnu_tar_reads_what_we_write() {
    if !crate::tool::has("tar") {
        return;
    }
    let store = store();
    let long = "n".repeat(180);
    let layer = tar()
        .pax(&[record("path", &long), record("mtime", "12.5")])
        .file("x", "1");
    let chain = store
        .layer(&Chain::empty(), &layer.symlink("l", "x").end())
        .unwrap();
    let path = store.dir().join("layer.tar");
    std::fs::write(&path, written(&store, &chain)).unwrap();
    let listed = crate::tool::run("tar", &["-tf", crate::tool::text(&path)]);
    assert_eq!(listed, format!("l\n{long}\n"));
    let tree = store.tree(&chain);
    assert!(
        tree.resolve(Path::new(&long), Follow::NotLast)
            .unwrap()
            .is_some()
    );
}
