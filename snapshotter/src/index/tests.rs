use std::io::Write;

use proptest::prelude::*;

use super::encode::encode;
use super::*;
use crate::layer::draft::{Directory, Draft, Join, NodeIdx, Payload, Slot};
use crate::layer::{Metadata, Xattr};

/// Writes bytes as a file and opens it as an index.
fn open(bytes: &[u8]) -> Result<LayerIndex, IndexError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    LayerIndex::verify(LayerIndex::map(&file).unwrap())
}

fn reopen(draft: &Draft) -> LayerIndex {
    open(&encode(draft, None).unwrap().0).unwrap()
}

fn metadata(mode: u32) -> Metadata {
    Metadata {
        mode,
        ..Metadata::default()
    }
}

fn add(draft: &mut Draft, parent: NodeIdx, name: &[u8], kind: NodeKind) -> NodeIdx {
    let payload = match kind {
        NodeKind::Directory => Payload::Directory(Directory::new(Join::SamePath)),
        leaf => Payload::Leaf(leaf),
    };
    let node = draft.add(payload, metadata(0o640));
    draft.set(parent, name, Slot::Node(node));
    node
}

fn inode(index: &LayerIndex, dir: InodeIdx, name: &[u8]) -> InodeIdx {
    match index.find(dir, name) {
        Some(Entry::Inode(inode)) => inode,
        other => panic!("{:?} is {other:?}", String::from_utf8_lossy(name)),
    }
}

/// One of everything, two names for the file, and every way to join below.
fn sample() -> Draft {
    let mut draft = Draft::new(metadata(0o755));
    let root = Draft::ROOT;
    let blob = Digest::of(b"x");
    let file = add(
        &mut draft,
        root,
        b"file",
        NodeKind::Regular {
            blob,
            size: 1 << 40,
        },
    );
    draft.set(root, b"link", Slot::Node(file));
    draft.node_mut(file).metadata = Metadata {
        mode: 0o4755,
        uid: u32::MAX - 1,
        gid: 7,
        mtime: Timestamp {
            secs: -5,
            nanos: 999_999_999,
        },
        xattrs: vec![Xattr {
            name: b"user.a".to_vec(),
            value: b"\0\xff".to_vec(),
        }],
    };
    add(
        &mut draft,
        root,
        b"symlink",
        NodeKind::Symlink(b"/target".to_vec()),
    );
    add(&mut draft, root, b"null", NodeKind::CharDevice(0x103));
    add(&mut draft, root, b"disk", NodeKind::BlockDevice(0x800));
    add(&mut draft, root, b"fifo", NodeKind::Fifo);
    add(&mut draft, root, b"socket", NodeKind::Socket);
    draft.set(root, b"gone", Slot::Whiteout);
    let opaque = add(&mut draft, root, b"opaque", NodeKind::Directory);
    draft.directory_mut(opaque).unwrap().join = Join::Nothing;
    let moved = add(&mut draft, opaque, b"moved", NodeKind::Directory);
    draft.directory_mut(moved).unwrap().join = Join::MovedFrom(b"/old/place".to_vec());
    draft
}

#[test]
fn what_is_written_is_read_back() {
    let index = reopen(&sample());
    let root = LayerIndex::ROOT;
    assert_eq!(index.len(), 9);
    assert_eq!(index.stat(root).nlink, 3);
    let names: Vec<_> = index.entries(root).map(|(name, _)| name.to_vec()).collect();
    assert!(names.is_sorted() && names.len() == 9);

    let file = inode(&index, root, b"file");
    assert_eq!(inode(&index, root, b"link"), file);
    let stat = index.stat(file);
    assert_eq!(
        (stat.mode, stat.uid, stat.nlink),
        (libc::S_IFREG | 0o4755, u32::MAX - 1, 2)
    );
    assert_eq!(
        stat.mtime,
        Timestamp {
            secs: -5,
            nanos: 999_999_999
        }
    );
    assert_eq!(
        index.kind(file),
        NodeKind::Regular {
            blob: Digest::of(b"x"),
            size: 1 << 40
        }
    );
    assert_eq!(index.blob(file), Some(&Digest::of(b"x")));
    assert_eq!(
        index.xattrs(file).collect::<Vec<_>>(),
        [(&b"user.a"[..], &b"\0\xff"[..])]
    );
    assert_eq!(index.blobs(), [Digest::of(b"x")]);

    assert_eq!(index.target(inode(&index, root, b"symlink")), b"/target");
    assert_eq!(
        index.kind(inode(&index, root, b"null")),
        NodeKind::CharDevice(0x103)
    );
    assert_eq!(index.kind(inode(&index, root, b"socket")), NodeKind::Socket);
    assert_eq!(index.find(root, b"gone"), Some(Entry::Whiteout));
    assert_eq!(index.find(root, b"absent"), None);

    let opaque = inode(&index, root, b"opaque");
    assert_eq!(index.below(opaque), Below::Nothing);
    let moved = inode(&index, opaque, b"moved");
    assert_eq!(index.below(moved), Below::MovedFrom(b"/old/place"));
    assert_eq!(index.below(root), Below::SamePath);
}

#[test]
fn the_same_changes_give_the_same_id_and_another_parent_gives_another() {
    let base = reopen(&sample()).snapshot_id();
    assert_eq!(reopen(&sample()).snapshot_id(), base);
    let child = open(&encode(&sample(), Some(base)).unwrap().0).unwrap();
    assert_eq!(child.parent(), Some(base));
    assert_eq!(child.digest(), reopen(&sample()).digest());
    assert_ne!(child.snapshot_id(), base);
}

/// The sizes that `docs/store-format.md` gives.
#[test]
fn records_have_the_documented_sizes() {
    let sizes = [
        size_of::<format::Header>(),
        size_of::<format::Counts>(),
        size_of::<InodeRecord>(),
        size_of::<DirentRecord>(),
        size_of::<XattrRecord>(),
    ];
    assert_eq!(sizes, [88, 24, 76, 12, 16]);
}

#[test]
fn an_inode_of_another_index_is_answered_without_a_fault() {
    let index = reopen(&sample());
    let foreign = InodeIdx(4_000_000_000);
    assert_eq!(index.stat(foreign).mode, libc::S_IFDIR | 0o755);
    assert_eq!(index.blob(foreign), None);
    assert_eq!(
        index
            .entries(inode(&index, LayerIndex::ROOT, b"file"))
            .len(),
        0
    );
}

#[test]
fn files_of_other_kinds_and_versions_are_refused_by_name() {
    let good = encode(&sample(), None).unwrap().0;
    assert_eq!(open(b"#!/bin/sh\n").unwrap_err(), IndexError::Magic);
    let mut newer = good.clone();
    newer[8] = 2;
    assert_eq!(open(&newer).unwrap_err(), IndexError::Version { found: 2 });
    let mut flagged = good.clone();
    flagged[12] = 0x80;
    assert_eq!(open(&flagged).unwrap_err(), IndexError::Flags(0x80));
    assert!(matches!(
        open(&good[..good.len() - 1]),
        Err(IndexError::Length { .. })
    ));
    let mut changed = good;
    *changed.last_mut().unwrap() ^= 1;
    assert!(matches!(open(&changed), Err(IndexError::Digest { .. })));
}

#[test]
fn a_directory_of_a_million_entries_is_searched_in_place() {
    let mut draft = Draft::new(metadata(0o755));
    let file = draft.add(Payload::Leaf(NodeKind::Fifo), metadata(0o600));
    for number in 0..1_000_000 {
        draft.set(
            Draft::ROOT,
            format!("entry-{number:07}").as_bytes(),
            Slot::Node(file),
        );
    }
    let index = reopen(&draft);
    assert_eq!(index.entries(LayerIndex::ROOT).len(), 1_000_000);
    let found = inode(&index, LayerIndex::ROOT, b"entry-0765432");
    assert_eq!(index.stat(found).nlink, 1_000_000);
}

/// Changes some bytes of the body and makes the header agree with them.
fn forge(mut bytes: Vec<u8>, changes: &[(usize, u8)]) -> Vec<u8> {
    let body = Sections::BODY;
    for (at, value) in changes {
        let at = body + at % (bytes.len() - body);
        bytes[at] = *value;
    }
    let digest = Digest::of(&bytes[body..]);
    bytes[48..80].copy_from_slice(digest.as_bytes());
    bytes
}

/// Calls every accessor on every inode, and walks the tree.
fn exercise(index: &LayerIndex) {
    let mut pending = vec![LayerIndex::ROOT];
    while let Some(inode) = pending.pop() {
        index.kind(inode);
        index.below(inode);
        assert!(index.xattrs(inode).all(|(name, _)| !name.is_empty()));
        for (name, entry) in index.entries(inode) {
            assert_eq!(index.find(inode, name), Some(entry));
            if let Entry::Inode(child) = entry {
                pending.push(child);
            }
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 1..400)) {
        prop_assert!(open(&bytes).is_err());
    }

    #[test]
    fn a_forged_file_is_refused_or_safe_to_walk(
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 1..6),
    ) {
        let good = encode(&sample(), None).unwrap().0;
        if let Ok(index) = open(&forge(good, &changes)) {
            exercise(&index);
        }
    }
}
