//! The path API: what `Tree` resolves, lists, reads and tells of a layer.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use iechor_snapshotter::tree::{Change, Follow, Tree, TreeError};
use iechor_snapshotter::{Chain, Metadata, NodeKind};

use crate::fixture::{Lab, Layer, xattr};

fn tree_of(lab: &Lab, chain: &Chain) -> Tree {
    Tree::new(chain, lab.store.blobs())
}

/// A tree with links of every sort.
fn linked(layer: &mut Layer) {
    layer
        .dir("usr/lib")
        .file("usr/lib/a", b"A")
        .file("etc/passwd", b"root:x:0:0\n");
    layer
        .symlink("lib", "usr/lib")
        .symlink("abs", "/usr/lib")
        .symlink("up", "../../../usr");
    layer
        .symlink("usr/back", "../etc/passwd")
        .symlink("loop", "loop")
        .symlink("gone", "/no/thing");
    layer.symlink("ping", "pong").symlink("pong", "ping");
}

#[track_caller]
fn check_resolve(tree: &Tree, path: &str, follow: Follow, expect: Option<&str>) {
    let found = tree.resolve(Path::new(path), follow).unwrap();
    assert_eq!(
        found.map(|node| node.path().to_owned()),
        expect.map(PathBuf::from),
        "{path}"
    );
}

#[test]
fn links_and_dots_stay_inside_the_tree() {
    let lab = Lab::new();
    let tree = tree_of(&lab, &lab.base(linked));
    for (path, expect) in [
        ("", Some("")),
        ("/", Some("")),
        ("../..", Some("")),
        ("/lib/a", Some("usr/lib/a")),
        ("abs/./a", Some("usr/lib/a")),
        ("up/lib/../lib/a", Some("usr/lib/a")),
        ("usr/back", Some("etc/passwd")),
        ("lib/../back", Some("etc/passwd")),
        ("gone", None),
        ("etc/passwd/x", None),
        ("nothing", None),
    ] {
        check_resolve(&tree, path, Follow::Last, expect);
    }
    check_resolve(&tree, "lib", Follow::NotLast, Some("lib"));
    check_resolve(&tree, "lib/", Follow::NotLast, Some("usr/lib"));
    check_resolve(&tree, "gone", Follow::NotLast, Some("gone"));
}

#[test]
fn links_that_lead_in_circles_are_refused_and_forty_are_not() {
    let lab = Lab::new();
    let tree = tree_of(
        &lab,
        &lab.base(|layer| {
            linked(layer);
            layer.file("0", b"end");
            for link in 1..=41 {
                layer.symlink(&link.to_string(), &(link - 1).to_string());
            }
        }),
    );
    for path in ["loop", "ping", "loop/x", "41"] {
        let error = tree.resolve(Path::new(path), Follow::Last).unwrap_err();
        assert!(
            matches!(&error, TreeError::TooManyLinks(at) if at == Path::new(path)),
            "{path}"
        );
    }
    check_resolve(&tree, "40", Follow::Last, Some("0"));
}

#[test]
fn a_real_path_keeps_what_is_missing_as_it_was_written() {
    let lab = Lab::new();
    let tree = tree_of(&lab, &lab.base(linked));
    for (path, expect) in [
        ("/lib/new/file", "usr/lib/new/file"),
        ("gone/x", "no/thing/x"),
        ("lib/new/../b", "usr/lib/b"),
        ("abs", "usr/lib"),
    ] {
        assert_eq!(
            tree.real_path(Path::new(path)).unwrap(),
            Path::new(expect),
            "{path}"
        );
    }
}

#[test]
fn a_listing_is_merged_sorted_and_free_of_what_was_removed() {
    let lab = Lab::new();
    let base = lab.base(|layer| {
        layer
            .file("d/b", b"1")
            .file("d/a", b"1")
            .file("d/\u{ff}", b"1")
            .file("d/gone", b"1");
    });
    let chain = lab.layer(&base, |layer| {
        layer.file("d/b", b"22").file("d/c", b"2").remove("d/gone");
    });
    let tree = tree_of(&lab, &chain);
    let dir = tree.resolve(Path::new("d"), Follow::Last).unwrap().unwrap();
    let entries = tree.read_dir(&dir);
    let names: Vec<_> = entries.iter().map(|(name, _)| name.as_bytes()).collect();
    assert_eq!(names, [b"a".as_slice(), b"b", b"c", "\u{ff}".as_bytes()]);
    assert_eq!(entries[1].1.stat().size, 2);
    assert_eq!(entries[1].1.path(), Path::new("d/b"));
    assert!(tree.read_dir(&entries[0].1).is_empty());
}

#[test]
fn metadata_is_that_of_the_layer() {
    let lab = Lab::new();
    let metadata = Metadata {
        mode: 0o4751,
        uid: 7,
        gid: 4_000_000_000,
        mtime: iechor_snapshotter::Timestamp { secs: -3, nanos: 5 },
        xattrs: vec![
            xattr("security.capability", b"\0\x01"),
            xattr("user.x", b""),
        ],
    };
    let chain = lab.base(|layer| {
        let kind = layer.contents(b"hello");
        layer
            .put_with("f", kind, metadata.clone())
            .put("null", NodeKind::CharDevice(0x103), 0o666);
    });
    let tree = tree_of(&lab, &chain);
    let node = tree.resolve(Path::new("f"), Follow::Last).unwrap().unwrap();
    assert_eq!(node.metadata(), metadata);
    let null = tree
        .resolve(Path::new("null"), Follow::Last)
        .unwrap()
        .unwrap();
    assert_eq!(null.kind(), NodeKind::CharDevice(0x103));
}

#[test]
fn names_of_one_file_have_one_id() {
    let lab = Lab::new();
    let chain = lab.base(|layer| {
        layer.file("a", b"x").link("sub/b", "a").file("same", b"x");
    });
    let tree = tree_of(&lab, &chain);
    let id = |path: &str| {
        tree.resolve(Path::new(path), Follow::NotLast)
            .unwrap()
            .unwrap()
            .id()
    };
    assert_eq!(id("a"), id("sub/b"));
    assert_ne!(id("a"), id("same"));
    assert_eq!(
        tree.resolve(Path::new("a"), Follow::Last)
            .unwrap()
            .unwrap()
            .stat()
            .nlink,
        2
    );
}

#[test]
fn contents_are_read_within_limits_and_of_regular_files_alone() {
    let lab = Lab::new();
    let tree = tree_of(
        &lab,
        &lab.base(|layer| {
            linked(layer);
            layer.put("fifo", NodeKind::Fifo, 0o600);
        }),
    );
    let read = |path: &str, limit| tree.read(Path::new(path), limit);
    assert_eq!(read("usr/back", 100).unwrap().unwrap(), b"root:x:0:0\n");
    assert_eq!(read("usr/back", 11).unwrap().unwrap().len(), 11);
    assert!(matches!(
        read("usr/back", 10),
        Err(TreeError::TooLarge {
            size: 11,
            limit: 10,
            ..
        })
    ));
    assert_eq!(read("nothing", 10).unwrap(), None);
    for path in ["fifo", "usr"] {
        assert!(
            matches!(read(path, 10), Err(TreeError::NotRegular(_))),
            "{path}"
        );
    }
    let node = tree
        .resolve(Path::new("usr/lib/a"), Follow::Last)
        .unwrap()
        .unwrap();
    let mut contents = String::new();
    tree.open(&node)
        .unwrap()
        .read_to_string(&mut contents)
        .unwrap();
    assert_eq!(contents, "A");
}

#[test]
fn lost_contents_are_an_error_that_names_the_file() {
    let lab = Lab::new();
    let tree = tree_of(&lab, &lab.base(linked));
    std::fs::remove_file(lab.blob_path(b"A")).unwrap();
    let error = tree.read(Path::new("lib/a"), 10).unwrap_err();
    assert!(error.to_string().contains("usr/lib/a"), "{error}");
}

#[test]
fn the_empty_chain_is_an_empty_root() {
    let lab = Lab::new();
    let tree = tree_of(&lab, &Chain::empty());
    assert_eq!(tree.root().metadata().mode, 0o755);
    assert!(tree.root().is_dir() && tree.read_dir(&tree.root()).is_empty());
    assert_eq!(tree.changes().count(), 0);
}

/// Changes as lines: `+ path`, `- path` for whiteouts, `! path` for opaque directories.
pub(crate) fn told(tree: &Tree) -> Vec<String> {
    let line = |change: &Change| {
        let mark = match change {
            Change::Node(_) => '+',
            Change::Whiteout(_) => '-',
            Change::Opaque(_) => '!',
        };
        format!("{mark} {}", change.path().display())
    };
    tree.changes().map(|change| line(&change)).collect()
}

#[test]
fn changes_are_those_of_the_topmost_layer_alone() {
    let lab = Lab::new();
    let base = lab.base(|layer| {
        layer
            .file("d/a", b"1")
            .file("d/b", b"1")
            .file("opaque/old", b"1")
            .file("e", b"1");
    });
    let chain = lab.layer(&base, |layer| {
        layer
            .file("d/a", b"2")
            .remove("d/b")
            .remove("e")
            .file("d/sub/new", b"2");
        layer.writer.make_opaque(Path::new("opaque")).unwrap();
        layer.file("opaque/new", b"2");
    });
    assert_eq!(
        told(&tree_of(&lab, &chain)),
        [
            "+ d",
            "+ d/a",
            "- d/b",
            "+ d/sub",
            "+ d/sub/new",
            "- e",
            "+ opaque",
            "! opaque",
            "+ opaque/new",
        ]
    );
    assert_eq!(
        told(&tree_of(&lab, &base)),
        ["+ d", "+ d/a", "+ d/b", "+ e", "+ opaque", "+ opaque/old",]
    );
}

#[test]
fn the_root_is_a_change_when_more_than_its_time_differs() {
    let lab = Lab::new();
    let chain = lab.base(|layer| {
        layer.put("", NodeKind::Directory, 0o700).file("a", b"1");
    });
    assert_eq!(told(&tree_of(&lab, &chain)), ["+ ", "+ a"]);
}

#[test]
fn hard_links_of_a_layer_show_in_its_changes() {
    let lab = Lab::new();
    let chain = lab.base(|layer| {
        layer.file("a", b"x").link("b", "a");
    });
    let ids: Vec<_> = tree_of(&lab, &chain)
        .changes()
        .filter_map(|change| match change {
            Change::Node(node) => Some((node.id(), node.stat().nlink)),
            _ => None,
        })
        .collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
    assert_eq!(ids[0].1, 2);
}

#[test]
fn names_need_not_be_text() {
    let lab = Lab::new();
    let name = OsStr::from_bytes(b"\xff\n\x80 \\");
    let chain = lab.base(|layer| {
        let kind = layer.contents(b"raw");
        layer
            .writer
            .put(Path::new(name), kind, Metadata::default())
            .unwrap();
    });
    let tree = tree_of(&lab, &chain);
    assert_eq!(tree.read(Path::new(name), 10).unwrap().unwrap(), b"raw");
    assert_eq!(tree.read_dir(&tree.root())[0].0, name);
}
