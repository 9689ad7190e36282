//! What layers do to the tree below them (OCI image-spec layer.md).

use iechor_snapshotter::tree::Follow;
use iechor_snapshotter::{Chain, Timestamp};
use std::path::Path;
use tar::EntryType;

use crate::store::{Store, store};
use crate::tarball::{Tar, record, tar};

/// What the layers show, one on the other.
fn check(layers: &[Tar], expected: &[&str]) {
    let store = store();
    let tars: Vec<_> = layers.iter().cloned().map(Tar::end).collect();
    let chain = store.layers(&tars);
    assert_eq!(store.listing(&chain), expected);
}

fn metadata(store: &Store, chain: &Chain, path: &str) -> iechor_snapshotter::Metadata {
    let node = store
        .tree(chain)
        .resolve(Path::new(path), Follow::NotLast)
        .unwrap();
    node.unwrap_or_else(|| panic!("no {path}")).metadata()
}

#[test]
fn every_kind_of_entry_is_kept() {
    let layer = tar()
        .dir("./")
        .dir_mode("./bin", 0o755)
        .edited(EntryType::Regular, "./bin/su", b"#!", |header| {
            header.set_mode(0o4755);
        })
        .symlink("./bin/sh", "su")
        .hard_link("./bin/su2", "bin/su")
        .dir_mode("tmp/", 0o1777)
        .fifo("tmp/pipe")
        .device(EntryType::Char, "dev/null", 1, 3)
        .device(EntryType::Block, "dev/sda", 8, 0);
    check(
        &[layer],
        &[
            "d755 bin",
            "l bin/sh -> su",
            "f4755 bin/su \"#!\"",
            "f4755 bin/su2 \"#!\"",
            "d755 dev",
            "c644 dev/null 0x103",
            "b644 dev/sda 0x800",
            "d1777 tmp",
            "p644 tmp/pipe",
        ],
    );
}

#[test]
fn whiteouts_hide_what_is_below() {
    check(
        &[
            tar()
                .file("a", "1")
                .dir("d")
                .file("d/x", "1")
                .file("d/y", "1")
                .file("e/z", "1"),
            tar()
                .file(".wh.a", "")
                .file("d/.wh.x", "")
                .file(".wh.e", "")
                .file(".wh.missing", ""),
        ],
        &["d755 d", "f644 d/y \"1\""],
    );
}

#[test]
fn a_whiteout_never_hides_what_its_own_layer_brings() {
    let below = tar().file("a", "old").dir("d").file("d/old", "1");
    let after = tar()
        .file("a", "new")
        .file(".wh.a", "")
        .file("d/new", "2")
        .file(".wh.d", "");
    let before = tar()
        .file(".wh.a", "")
        .file("a", "new")
        .file(".wh.d", "")
        .file("d/new", "2");
    for layer in [after, before] {
        check(
            &[below.clone(), layer],
            &["f644 a \"new\"", "d755 d", "f644 d/new \"2\""],
        );
    }
}

#[test]
fn an_opaque_directory_hides_what_is_below_it() {
    let below = tar()
        .dir("d")
        .file("d/old", "1")
        .dir("d/sub")
        .file("d/sub/x", "1");
    let after = tar().dir("d").file("d/new", "2").file("d/.wh..wh..opq", "");
    let before = tar().dir("d").file("d/.wh..wh..opq", "").file("d/new", "2");
    for layer in [after, before] {
        check(&[below.clone(), layer], &["d755 d", "f644 d/new \"2\""]);
    }
}

#[test]
fn a_directory_keeps_its_children_when_only_its_metadata_changes() {
    check(
        &[tar().dir("d").file("d/x", "1"), tar().dir_mode("d/", 0o700)],
        &["d700 d", "f644 d/x \"1\""],
    );
}

#[test]
fn kinds_may_change_from_layer_to_layer() {
    check(
        &[tar().dir("d").file("d/x", "1"), tar().file("d", "file")],
        &["f644 d \"file\""],
    );
    check(
        &[tar().file("d", "file"), tar().dir("d").file("d/x", "1")],
        &["d755 d", "f644 d/x \"1\""],
    );
    check(
        &[tar().symlink("d", "x"), tar().dir("d").file("d/x", "1")],
        &["d755 d", "f644 d/x \"1\""],
    );
}

#[test]
fn missing_parents_are_made() {
    check(
        &[tar().file("a/b/c", "1")],
        &["d755 a", "d755 a/b", "f644 a/b/c \"1\""],
    );
}

#[test]
fn long_names_come_from_pax_and_gnu_headers_and_the_prefix() {
    let long = format!("{}/{}", "d".repeat(120), "f".repeat(120));
    let expected = [
        format!("d755 {}", "d".repeat(120)),
        format!("f644 {long} \"1\""),
    ];
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    check(
        &[tar().pax(&[record("path", &long)]).file("short", "1")],
        &expected,
    );
    check(&[tar().gnu_long_name(&long).file("short", "1")], &expected);
    let prefixed = tar().edited(EntryType::Regular, "name", b"1", |header| {
        header.as_ustar_mut().unwrap().prefix[..4].copy_from_slice(b"a/bc");
    });
    check(
        &[prefixed],
        &["d755 a", "d755 a/bc", "f644 a/bc/name \"1\""],
    );
}

#[test]
fn long_link_targets_are_kept() {
    let long = "t".repeat(300);
    let layer = tar()
        .pax(&[record("linkpath", &long)])
        .symlink("a", "short");
    check(&[layer], &[&format!("l a -> {long}")]);
}

#[test]
fn pax_records_give_times_ids_and_attributes() {
    let store = store();
    let layer = tar().pax(&[
        record("mtime", "1234567890.123456789"),
        record("uid", "3000000"),
        record("gid", "4294967294"),
        record("SCHILY.xattr.user.note", b"a\0b"),
        record("SCHILY.xattr.security.capability", [1, 0, 0, 2]),
    ]);
    let chain = store
        .layer(&Chain::empty(), &layer.file("a", "1").end())
        .unwrap();
    let metadata = metadata(&store, &chain, "a");
    assert_eq!(
        metadata.mtime,
        Timestamp {
            secs: 1_234_567_890,
            nanos: 123_456_789
        }
    );
    assert_eq!((metadata.uid, metadata.gid), (3_000_000, u32::MAX - 1));
    let xattrs: Vec<_> = metadata
        .xattrs
        .iter()
        .map(|xattr| (&xattr.name[..], &xattr.value[..]))
        .collect();
    assert_eq!(
        xattrs,
        [
            (&b"security.capability"[..], &[1, 0, 0, 2][..]),
            (&b"user.note"[..], &b"a\0b"[..])
        ]
    );
}

#[test]
fn hard_links_are_one_inode() {
    let store = store();
    let chain = store.layers(&[
        tar().file("a", "1").end(),
        tar().hard_link("b", "a").hard_link("c", "./b").end(),
    ]);
    let tree = store.tree(&chain);
    let id = |path: &str| {
        tree.resolve(Path::new(path), Follow::NotLast)
            .unwrap()
            .unwrap()
            .id()
    };
    assert_eq!(id("a"), id("b"));
    assert_eq!(id("a"), id("c"));
    assert_eq!(
        store.listing(&chain),
        ["f644 a \"1\"", "f644 b \"1\"", "f644 c \"1\""]
    );
}

#[test]
fn a_hard_link_may_name_a_symbolic_link() {
    check(
        &[tar().symlink("a", "x").hard_link("b", "a")],
        &["l a -> x", "l b -> x"],
    );
}

#[test]
fn the_last_of_several_entries_of_a_name_counts() {
    check(
        &[tar().file("a", "1").file("./a", "2").file("//a", "3")],
        &["f644 a \"3\""],
    );
}

#[test]
fn names_are_bytes() {
    let names: [&[u8]; 4] = [b"A", b"a", b"new\nline", b"\xff\xfe"];
    let layer = names.iter().fold(tar(), |tar, name| tar.file(name, "1"));
    let store = store();
    let chain = store.layer(&Chain::empty(), &layer.end()).unwrap();
    let tree = store.tree(&chain);
    let found: Vec<_> = tree
        .read_dir(&tree.root())
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let found: Vec<&[u8]> = found.iter().map(|name| name.as_encoded_bytes()).collect();
    assert_eq!(found, names);
}

#[test]
fn an_archive_may_end_without_its_end_marks() {
    let store = store();
    let chain = store
        .layer(&Chain::empty(), &tar().file("a", "1").cut())
        .unwrap();
    assert_eq!(store.listing(&chain), ["f644 a \"1\""]);
    assert!(
        store
            .listing(&store.layer(&Chain::empty(), b"").unwrap())
            .is_empty()
    );
}

#[test]
fn global_headers_with_comments_are_passed_over() {
    check(
        &[tar().global(&[record("comment", "abc")]).file("a", "1")],
        &["f644 a \"1\""],
    );
}

mod sparse {
    use super::*;
    use iechor_snapshotter::NodeKind;

    /// 1 MiB of nothing with `head` at the beginning and `tail` at the end.
    fn check_holes(layer: Tar) {
        let store = store();
        let chain = store
            .layer(&Chain::empty(), &layer.file("after", "!").end())
            .unwrap();
        let tree = store.tree(&chain);
        let node = tree
            .resolve(Path::new("hole"), Follow::NotLast)
            .unwrap()
            .unwrap();
        let NodeKind::Regular { size, .. } = node.kind() else {
            panic!("not a file")
        };
        assert_eq!(size, 1 << 20);
        let contents = tree.read(Path::new("hole"), 1 << 20).unwrap().unwrap();
        assert_eq!(&contents[..4], b"head");
        assert_eq!(&contents[contents.len() - 4..], b"tail");
        assert!(
            contents[4..contents.len() - 4]
                .iter()
                .all(|byte| *byte == 0)
        );
        let blocks =
            std::os::unix::fs::MetadataExt::blocks(&tree.open(&node).unwrap().metadata().unwrap());
        assert!(blocks < 256, "{blocks} blocks are not sparse");
        assert!(
            tree.resolve(Path::new("after"), Follow::NotLast)
                .unwrap()
                .is_some()
        );
    }

    const TAIL: &str = "1048572";

    #[test]
    fn pax_0_0() {
        let records = [
            record("GNU.sparse.size", "1048576"),
            record("GNU.sparse.numblocks", "2"),
            record("GNU.sparse.offset", "0"),
            record("GNU.sparse.numbytes", "4"),
            record("GNU.sparse.offset", TAIL),
            record("GNU.sparse.numbytes", "4"),
        ];
        check_holes(tar().pax(&records).file("hole", "headtail"));
    }

    #[test]
    fn pax_0_1() {
        let records = [
            record("GNU.sparse.size", "1048576"),
            record("GNU.sparse.name", "hole"),
            record("GNU.sparse.map", format!("0,4,{TAIL},4")),
        ];
        check_holes(tar().pax(&records).file("GNUSparseFile.1/hole", "headtail"));
    }

    #[test]
    fn pax_1_0() {
        let records = [
            record("GNU.sparse.major", "1"),
            record("GNU.sparse.minor", "0"),
            record("GNU.sparse.name", "hole"),
            record("GNU.sparse.realsize", "1048576"),
        ];
        let map = format!("2\n0\n4\n{TAIL}\n4\n");
        let contents = format!("{map}{}headtail", "\0".repeat(512 - map.len()));
        check_holes(tar().pax(&records).file("GNUSparseFile.1/hole", &contents));
    }

    #[test]
    fn gnu_with_extended_headers() {
        let mut gnu = tar::Header::new_gnu();
        gnu.as_old_mut().name[..4].copy_from_slice(b"hole");
        gnu.set_entry_type(EntryType::GNUSparse);
        gnu.set_size(8);
        gnu.set_mode(0o644);
        gnu.set_uid(0);
        gnu.set_gid(0);
        gnu.set_mtime(0);
        let old = gnu.as_gnu_mut().unwrap();
        old.set_real_size(1 << 20);
        for (idx, segment) in old.sparse.iter_mut().enumerate() {
            segment.set_offset(idx as u64);
            segment.set_length(1);
        }
        old.set_is_extended(true);
        gnu.set_cksum();
        let mut extension = tar::GnuExtSparseHeader::new();
        extension.sparse_mut()[0].set_offset((1 << 20) - 4);
        extension.sparse_mut()[0].set_length(4);
        check_holes(
            tar()
                .raw(&gnu, b"")
                .bytes(extension.as_bytes())
                .bytes(b"headtail"),
        );
    }
}
