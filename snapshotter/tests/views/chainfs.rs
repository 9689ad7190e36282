//! The file system by inode numbers, without a mount.

use iechor_snapshotter::chainfs::{
    Attr, ChainFs, FileKind, FsError, Ino, Seek, Sink, ViewError, ViewId, VirtualEntry, VirtualKind,
};
use iechor_snapshotter::{Chain, Metadata, NodeKind};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::fixture::{Lab, MTIME, xattr};
use crate::virtual_entries::stub;

/// A file system, and how to walk it.
pub(crate) struct Fs(pub(crate) ChainFs);

impl Fs {
    pub(crate) fn new(lab: &Lab) -> Self {
        Self(ChainFs::of_views(lab.store.blobs()))
    }

    pub(crate) fn of_chain(lab: &Lab, chain: &Chain) -> Self {
        Self(ChainFs::of_chain(chain, lab.store.blobs()).unwrap())
    }

    pub(crate) fn show(&self, chain: &Chain, stubs: &[VirtualEntry]) -> (ViewId, Ino) {
        let id = self.0.add_view(chain, stubs).unwrap();
        (id, self.find(Ino::ROOT, &id.to_string()).unwrap().ino)
    }

    /// Looks a path up, name by name.
    pub(crate) fn find(&self, from: Ino, path: &str) -> Option<Attr> {
        let mut attr = self.0.getattr(from).unwrap();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            attr = self.0.lookup(attr.ino, name.as_bytes()).unwrap()?;
        }
        Some(attr)
    }

    pub(crate) fn ino(&self, from: Ino, path: &str) -> Ino {
        self.find(from, path)
            .unwrap_or_else(|| panic!("{path} is missing"))
            .ino
    }

    pub(crate) fn names(&self, dir: Ino) -> Vec<String> {
        let mut names = Vec::new();
        self.0
            .readdir(dir, 0, |entry| {
                names.push(String::from_utf8_lossy(entry.name).into_owned());
                Sink::Took
            })
            .unwrap();
        names
    }

    pub(crate) fn read(&self, ino: Ino, offset: u64, size: usize) -> Result<Vec<u8>, FsError> {
        let mut buffer = vec![0xaa; size];
        let length = self.0.read(ino, offset, &mut buffer)?;
        buffer.truncate(length);
        Ok(buffer)
    }
}

#[test]
fn a_file_has_one_number_in_all_views_and_a_directory_one_in_each() {
    let lab = Lab::new();
    let base = lab.base(|layer| {
        layer.file("d/shared", b"1").file("d/changed", b"1");
    });
    let next = lab.layer(&base, |layer| {
        layer.file("d/changed", b"2");
    });
    let fs = Fs::new(&lab);
    let (_, one) = fs.show(&base, &[]);
    let (_, two) = fs.show(&next, &[]);
    assert_eq!(fs.ino(one, "d/shared"), fs.ino(two, "d/shared"));
    assert_ne!(fs.ino(one, "d/changed"), fs.ino(two, "d/changed"));
    assert_ne!(fs.ino(one, "d"), fs.ino(two, "d"));
    assert_ne!(one, two);
}

#[test]
fn numbers_fit_below_the_bits_that_overlayfs_needs() {
    let lab = Lab::new();
    let chain = lab.base(|layer| {
        layer.file("d/f", b"1");
    });
    let fs = Fs::new(&lab);
    let (_, root) = fs.show(&chain, &[stub("v", VirtualKind::File)]);
    for path in ["", "d", "d/f", "v"] {
        assert!(fs.ino(root, path).get() < 1 << 62, "{path}");
    }
}

#[test]
fn a_forgotten_directory_is_stale_and_comes_back_with_its_number() {
    let lab = Lab::new();
    let chain = lab.base(|layer| {
        layer.file("d/f", b"1");
    });
    let fs = Fs::new(&lab);
    let (_, root) = fs.show(&chain, &[]);
    let dir = fs.ino(root, "d");
    assert_eq!(fs.ino(root, "d"), dir);
    fs.0.forget(dir, 1);
    assert!(fs.0.getattr(dir).is_ok(), "one of two lookups is left");
    fs.0.forget(dir, 1);
    assert!(matches!(fs.0.getattr(dir), Err(FsError::Stale)));
    assert_eq!(fs.ino(root, "d"), dir);
    fs.0.forget(Ino::from_raw(u64::MAX), u64::MAX);
}

#[test]
fn made_up_numbers_are_stale() {
    let lab = Lab::new();
    let chain = lab.base(|layer| {
        layer.file("f", b"1");
    });
    let fs = Fs::new(&lab);
    let (_, root) = fs.show(&chain, &[]);
    let file = fs.ino(root, "f").get();
    for raw in [0, 2, u64::MAX, file + 1, file + 1000, file | 1 << 61] {
        let ino = Ino::from_raw(raw);
        assert!(
            matches!(
                fs.0.getattr(ino),
                Err(FsError::Stale | FsError::NotADirectory)
            ),
            "{raw}"
        );
        assert!(fs.read(ino, 0, 1).is_err() && fs.0.lookup(ino, b"x").is_err());
        assert!(fs.0.readlink(ino).is_err() && fs.0.listxattr(ino).is_err());
    }
}

#[test]
fn what_is_absent_in_a_chain_is_so_for_ever_and_a_view_may_come() {
    let lab = Lab::new();
    let fs = Fs::new(&lab);
    let (_, root) = fs.show(&lab.base(|layer| _ = layer.dir("d")), &[]);
    assert_eq!(fs.0.lookup(root, b"x").unwrap(), None);
    for name in ["9", "0", "01", "+1", "x", "99999999999"] {
        assert!(
            matches!(
                fs.0.lookup(Ino::ROOT, name.as_bytes()),
                Err(FsError::NoView)
            ),
            "{name}"
        );
    }
}

#[test]
fn a_removed_view_has_no_name_and_stays_readable() {
    let lab = Lab::new();
    let chain = lab.base(|layer| _ = layer.file("d/f", b"1"));
    let fs = Fs::new(&lab);
    let (id, root) = fs.show(&chain, &[]);
    let dir = fs.ino(root, "d");
    fs.0.remove_view(id);
    assert!(matches!(
        fs.0.lookup(Ino::ROOT, id.to_string().as_bytes()),
        Err(FsError::NoView)
    ));
    assert_eq!(fs.names(Ino::ROOT), [".", ".."]);
    assert_eq!(fs.read(fs.ino(dir, "f"), 0, 9).unwrap(), b"1");
    let (other, _) = fs.show(&chain, &[]);
    assert_ne!(other, id, "a number was used twice");
}

#[test]
fn attributes_are_those_of_the_layer() {
    let lab = Lab::new();
    let metadata = Metadata {
        mode: 0o6755,
        uid: 5,
        gid: 6,
        mtime: MTIME,
        ..Metadata::default()
    };
    let chain = lab.base(|layer| {
        let kind = layer.contents(b"hello");
        layer
            .put_with("f", kind, metadata)
            .link("g", "f")
            .symlink("l", "target");
        layer
            .put("null", NodeKind::CharDevice(0x103), 0o666)
            .dir("d/sub");
    });
    let fs = Fs::of_chain(&lab, &chain);
    let file = fs.find(Ino::ROOT, "f").unwrap();
    assert_eq!(file.kind, FileKind::Regular);
    assert_eq!(
        (file.permissions, file.uid, file.gid, file.nlink, file.size),
        (0o6755, 5, 6, 2, 5)
    );
    assert_eq!(file.mtime, MTIME);
    assert_eq!(fs.find(Ino::ROOT, "g").unwrap(), file);
    assert_eq!(fs.find(Ino::ROOT, "null").unwrap().rdev, 0x103);
    assert_eq!(fs.find(Ino::ROOT, "d").unwrap().nlink, 3);
    assert_eq!(fs.0.readlink(fs.ino(Ino::ROOT, "l")).unwrap(), b"target");
    assert!(matches!(fs.0.readlink(file.ino), Err(FsError::WrongKind)));
    assert_eq!(
        fs.0.statfs().inodes,
        u64::from(chain.layers()[0].index().len())
    );
}

#[test]
fn a_directory_that_merges_does_not_count_its_links() {
    let lab = Lab::new();
    let base = lab.base(|layer| _ = layer.dir("d/a"));
    let chain = lab.layer(&base, |layer| _ = layer.dir("d/b"));
    let fs = Fs::of_chain(&lab, &chain);
    assert_eq!(fs.find(Ino::ROOT, "d").unwrap().nlink, 1);
    assert_eq!(fs.names(fs.ino(Ino::ROOT, "d")), [".", "..", "a", "b"]);
}

#[test]
fn a_listing_goes_on_at_any_offset() {
    let lab = Lab::new();
    let chain = lab.base(|layer| {
        for name in 0..100 {
            layer.file(&format!("{name:03}"), b"x");
        }
    });
    let fs = Fs::of_chain(&lab, &chain);
    let all = fs.names(Ino::ROOT);
    assert_eq!(all.len(), 102);
    for start in 0..=all.len() + 1 {
        let mut rest = Vec::new();
        let mut next = start as u64;
        fs.0.readdir(Ino::ROOT, next, |entry| {
            rest.push(String::from_utf8_lossy(entry.name).into_owned());
            next += 1;
            assert_eq!(entry.next, next);
            Sink::Took
        })
        .unwrap();
        assert_eq!(rest, all[start.min(all.len())..]);
    }
    fs.0.readdir(Ino::ROOT, u64::MAX, |_| panic!("nothing is there"))
        .unwrap();
}

#[test]
fn what_did_not_fit_into_a_listing_is_not_counted_as_looked_up() {
    let lab = Lab::new();
    let chain = lab.base(|layer| _ = layer.dir("a").dir("b"));
    let fs = Fs::of_chain(&lab, &chain);
    let mut told = Vec::new();
    fs.0.readdirplus(Ino::ROOT, 2, |entry| {
        told.push(entry.attr.ino);
        if entry.name == b"a" {
            Sink::Took
        } else {
            Sink::Full
        }
    })
    .unwrap();
    assert!(fs.0.getattr(told[0]).is_ok());
    assert!(matches!(fs.0.getattr(told[1]), Err(FsError::Stale)));
}

#[test]
fn the_list_of_views_has_every_view_once() {
    let lab = Lab::new();
    let chain = lab.base(|layer| _ = layer.dir("d"));
    let fs = Fs::new(&lab);
    let ids: Vec<_> = (0..12).map(|_| fs.show(&chain, &[]).0).collect();
    fs.0.remove_view(ids[3]);
    assert_eq!(
        fs.names(Ino::ROOT),
        [
            ".", "..", "1", "2", "3", "5", "6", "7", "8", "9", "10", "11", "12",
        ]
    );
    let mut plus = Vec::new();
    fs.0.readdirplus(Ino::ROOT, 6, |entry| {
        plus.push((entry.name.to_vec(), entry.attr.ino));
        Sink::Took
    })
    .unwrap();
    assert_eq!(plus[0].0, b"5");
    assert_eq!(plus[0].1, fs.ino(Ino::ROOT, "5"));
}

#[test]
fn reads_end_with_the_file() {
    let lab = Lab::new();
    let chain = lab.base(|layer| _ = layer.file("f", b"0123456789").file("empty", b"").dir("d"));
    let fs = Fs::of_chain(&lab, &chain);
    let file = fs.ino(Ino::ROOT, "f");
    assert_eq!(fs.read(file, 0, 100).unwrap(), b"0123456789");
    assert_eq!(fs.read(file, 8, 1).unwrap(), b"8");
    assert_eq!(fs.read(file, 10, 5).unwrap(), b"");
    assert_eq!(fs.read(file, u64::MAX, 5).unwrap(), b"");
    assert_eq!(fs.read(fs.ino(Ino::ROOT, "empty"), 0, 5).unwrap(), b"");
    assert!(matches!(
        fs.read(fs.ino(Ino::ROOT, "d"), 0, 5),
        Err(FsError::IsADirectory)
    ));
}

#[test]
fn data_and_holes_are_where_the_blob_has_them() {
    let lab = Lab::new();
    let chain = lab.base(|layer| {
        let mut writer = lab.store.blobs().writer().unwrap();
        std::io::Write::write_all(&mut writer, &[1; 4096]).unwrap();
        writer.skip(1 << 20).unwrap();
        std::io::Write::write_all(&mut writer, &[2; 4096]).unwrap();
        let (blob, size) = writer.finish().unwrap();
        layer.put("sparse", NodeKind::Regular { blob, size }, 0o644);
    });
    let fs = Fs::of_chain(&lab, &chain);
    let ino = fs.ino(Ino::ROOT, "sparse");
    let end = (1 << 20) + 2 * 4096;
    assert_eq!(fs.0.lseek(ino, 0, Seek::Data).unwrap(), 0);
    assert_eq!(fs.0.lseek(ino, 0, Seek::Hole).unwrap(), 4096);
    assert_eq!(fs.0.lseek(ino, 8192, Seek::Data).unwrap(), end - 4096);
    assert_eq!(fs.0.lseek(ino, end - 1, Seek::Hole).unwrap(), end);
    assert!(matches!(
        fs.0.lseek(ino, end, Seek::Data),
        Err(FsError::BehindEnd)
    ));
    assert_eq!(fs.0.faults().count(), 0);
}

#[test]
fn attributes_of_overlayfs_are_never_there() {
    let lab = Lab::new();
    let chain = lab.base(|layer| {
        let xattrs = vec![xattr("security.capability", b"\x01"), xattr("user.k", b"v")];
        let kind = layer.contents(b"x");
        let metadata = Metadata {
            xattrs: xattrs.clone(),
            ..Metadata::default()
        };
        layer
            .put_with("f", kind, metadata.clone())
            .put_with("d", NodeKind::Directory, metadata);
    });
    let fs = Fs::of_chain(&lab, &chain);
    for path in ["f", "d"] {
        let ino = fs.ino(Ino::ROOT, path);
        assert_eq!(fs.0.getxattr(ino, b"user.k").unwrap(), b"v");
        assert_eq!(
            fs.0.listxattr(ino).unwrap(),
            b"security.capability\0user.k\0"
        );
        for name in ["trusted.overlay.opaque", "user.none", ""] {
            assert!(matches!(
                fs.0.getxattr(ino, name.as_bytes()),
                Err(FsError::NoAttribute)
            ));
        }
    }
    assert_eq!(fs.0.listxattr(Ino::ROOT).unwrap(), b"");
}

#[test]
fn lost_or_short_contents_are_eio_and_counted() {
    let lab = Lab::new();
    let chain = lab.base(|layer| _ = layer.file("lost", b"lost!").file("short", b"short"));
    std::fs::remove_file(lab.blob_path(b"lost!")).unwrap();
    std::fs::write(lab.blob_path(b"short"), b"sh").unwrap();
    let fs = Fs::of_chain(&lab, &chain);
    for (path, count) in [("lost", 1), ("short", 2)] {
        let error = fs.read(fs.ino(Ino::ROOT, path), 0, 9).unwrap_err();
        assert_eq!(error.errno(), rustix::io::Errno::IO);
        assert_eq!(fs.0.faults().count(), count);
    }
    assert!(fs.0.faults().first().unwrap().contains("cannot be read"));
}

#[test]
fn more_files_are_read_than_descriptors_are_kept() {
    let lab = Lab::new();
    let names: Vec<_> = (0..700).map(|number| format!("{number}")).collect();
    let chain = lab.base(|layer| {
        for name in &names {
            layer.file(name, name.as_bytes());
        }
    });
    let fs = Fs::of_chain(&lab, &chain);
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let before = open();
    for name in names.iter().chain(&names) {
        assert_eq!(
            fs.read(fs.ino(Ino::ROOT, name), 0, 9).unwrap(),
            name.as_bytes()
        );
    }
    assert!(open() < before + 600, "{} descriptors", open() - before);
}

#[test]
fn a_single_chain_has_no_views() {
    let lab = Lab::new();
    let chain = lab.base(|layer| _ = layer.dir("d"));
    let fs = ChainFs::of_chain(&chain, lab.store.blobs()).unwrap();
    assert!(matches!(
        fs.add_view(&chain, &[]),
        Err(ViewError::SingleChain)
    ));
}

#[test]
fn a_number_is_found_again_by_handle() {
    let lab = Lab::new();
    let chain = lab.base(|layer| _ = layer.file("d/f", b"1"));
    let fs = Fs::of_chain(&lab, &chain);
    let (dir, file) = (fs.ino(Ino::ROOT, "d"), fs.ino(Ino::ROOT, "d/f"));
    for ino in [dir, file, Ino::ROOT] {
        assert_eq!(fs.0.lookup(ino, b".").unwrap().unwrap().ino, ino);
    }
    assert_eq!(fs.0.lookup(dir, b"..").unwrap().unwrap().ino, Ino::ROOT);
    assert_eq!(
        fs.0.lookup(Ino::ROOT, b"..").unwrap().unwrap().ino,
        Ino::ROOT
    );
}

#[test]
fn a_chain_of_many_layers_is_one_tree() {
    let lab = Lab::new();
    let mut chain = Chain::empty();
    for number in 0..150 {
        chain = lab.layer(&chain, |layer| {
            layer
                .file(&format!("d/{number:03}"), b"x")
                .file("d/top", format!("{number}").as_bytes());
        });
    }
    let fs = Fs::of_chain(&lab, &chain);
    assert_eq!(fs.names(fs.ino(Ino::ROOT, "d")).len(), 153);
    assert_eq!(fs.read(fs.ino(Ino::ROOT, "d/top"), 0, 9).unwrap(), b"149");
}

/// A chain with something of everything, for requests that make no sense.
fn storm_target(lab: &Lab) -> Chain {
    let base = lab.base(|layer| {
        layer
            .file("d/f", b"contents")
            .symlink("d/l", "f")
            .dir("d/sub")
            .file("gone", b"x");
        layer.put("null", NodeKind::CharDevice(0x103), 0o666);
    });
    lab.layer(&base, |layer| _ = layer.file("d/new", b"2").remove("gone"))
}

proptest! {
    // Each case makes a store of its own, which takes longer than the requests.
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever number, name, offset and size a request has, it is answered, and what it looked up
    /// is forgotten again.
    #[test]
    fn senseless_requests_are_answered(
        requests in vec((any::<u64>(), 0_u64..12, vec(any::<u8>(), 0..300), any::<u64>()), 1..40),
    ) {
        let lab = Lab::new();
        let fs = Fs::new(&lab);
        let (_, root) = fs.show(&storm_target(&lab), &[stub("v/file", VirtualKind::File)]);
        let mut known = vec![Ino::ROOT, root];
        for (noise, near, name, offset) in requests {
            let near = known[near as usize % known.len()];
            for ino in [near, Ino::from_raw(near.get() ^ (1 << (noise % 64))), Ino::from_raw(noise)] {
                let _ = fs.0.getattr(ino);
                let _ = fs.0.readlink(ino);
                let _ = fs.0.read(ino, offset, &mut [0; 64]);
                let _ = fs.0.lseek(ino, offset, Seek::Data);
                let _ = fs.0.getxattr(ino, &name);
                let _ = fs.0.listxattr(ino);
                let _ = fs.0.readdir(ino, offset, |_| Sink::Full);
                if let Ok(Some(attr)) = fs.0.lookup(ino, &name) {
                    fs.0.forget(attr.ino, 1);
                }
                let _ = fs.0.readdirplus(ino, 2, |entry| {
                    known.push(entry.attr.ino);
                    Sink::Took
                });
            }
        }
        prop_assert_eq!(fs.0.faults().count(), 0);
        prop_assert!(fs.names(root).len() > 3);
    }
}
