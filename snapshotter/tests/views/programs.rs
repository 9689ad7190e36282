//! What programs see of a chain on the FUSE mount.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use iechor_snapshotter::tree::{Node, Tree};
use iechor_snapshotter::{Chain, Metadata, NodeKind};
use rustix::fs::{IFlags, RawDir, SeekFrom, XattrFlags};
use rustix::io::Errno;

use crate::fixture::{Lab, Layer, MTIME, xattr};

/// A bit of everything.
fn varied(layer: &mut Layer) {
    let metadata = Metadata {
        mode: 0o6711,
        uid: 1000,
        gid: 2000,
        mtime: MTIME,
        xattrs: vec![
            xattr("security.capability", &CAPABILITY),
            xattr("user.name", b"value"),
        ],
    };
    let kind = layer.contents(b"contents");
    layer
        .put_with("d/file", kind, metadata)
        .link("d/other", "d/file")
        .symlink("d/link", "file");
    layer
        .put("d/fifo", NodeKind::Fifo, 0o600)
        .put("d/null", NodeKind::CharDevice(0x103), 0o666);
    layer
        .put("d/socket", NodeKind::Socket, 0o755)
        .put("tmp", NodeKind::Directory, 0o1777);
    layer
        .file(&"n".repeat(255), b"long name")
        .file("empty", b"");
    layer.file("large", &vec![7; 3 << 20]);
}

/// A version 2 capability with no bits set.
const CAPABILITY: [u8; 20] = {
    let mut value = [0; 20];
    value[3] = 2;
    value
};

/// Compares everything on a mount with the tree that it shall show.
pub(crate) fn check_same(tree: &Tree, node: &Node, at: &Path) {
    let found = fs::symlink_metadata(at).unwrap();
    let stat = node.stat();
    assert_eq!(
        (found.mode(), found.uid(), found.gid(), found.rdev()),
        (stat.mode, stat.uid, stat.gid, stat.rdev),
        "{at:?}",
    );
    assert_eq!(
        (found.mtime(), found.mtime_nsec() as u32),
        (stat.mtime.secs, stat.mtime.nanos)
    );
    match node.kind() {
        NodeKind::Directory => check_same_directory(tree, node, at),
        NodeKind::Regular { size, .. } => {
            assert_eq!(
                (found.len(), found.nlink()),
                (size, stat.nlink.into()),
                "{at:?}"
            );
            let path = Path::new("/").join(node.path());
            assert_eq!(
                Some(fs::read(at).unwrap()),
                tree.read(&path, u64::MAX).unwrap(),
                "{at:?}"
            );
        }
        NodeKind::Symlink(target) => {
            assert_eq!(fs::read_link(at).unwrap().as_os_str().as_bytes(), target);
        }
        _ => {}
    }
    for expected in node.metadata().xattrs {
        let mut value = [0; 256];
        let name = String::from_utf8(expected.name).unwrap();
        let length = rustix::fs::lgetxattr(at, &name, &mut value).unwrap();
        assert_eq!(value[..length], expected.value, "{name} of {at:?}");
    }
}

fn check_same_directory(tree: &Tree, node: &Node, at: &Path) {
    let mut names: Vec<_> = fs::read_dir(at)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    let expected = tree.read_dir(node);
    assert_eq!(
        names,
        expected
            .iter()
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>(),
        "{at:?}"
    );
    for (name, child) in expected {
        check_same(tree, &child, &at.join(name));
    }
}

#[track_caller]
pub(crate) fn errno<T: std::fmt::Debug>(result: io::Result<T>) -> Errno {
    Errno::from_io_error(&result.unwrap_err()).unwrap()
}

#[test]
fn programs_see_what_the_layers_have() {
    let lab = Lab::new();
    let base = lab.base(varied);
    let chain = lab.layer(&base, |layer| {
        layer
            .remove("d/other")
            .file("d/new", b"2")
            .file("empty", b"not any more");
    });
    let session = lab.session();
    for chain in [&base, &chain, &Chain::empty()] {
        let view = session.add_view(chain, &[]).unwrap();
        let tree = Tree::new(chain, lab.store.blobs());
        // The second walk comes from the kernel's caches.
        for _ in 0..2 {
            check_same(&tree, &tree.root(), view.path());
        }
    }
    assert_eq!(session.faults().count(), 0);
    session.stop().unwrap();
}

#[test]
fn names_are_bytes_of_up_to_255() {
    let lab = Lab::new();
    let odd = OsStr::from_bytes(b"\xff\x01\n\\ \xc3");
    let chain = lab.base(|layer| {
        let kind = layer.contents(b"odd");
        layer
            .writer
            .put(Path::new(odd), kind, Metadata::default())
            .unwrap();
        layer.file(&"n".repeat(255), b"long");
    });
    let session = lab.session();
    let view = session.add_view(&chain, &[]).unwrap();
    assert_eq!(fs::read(view.path().join(odd)).unwrap(), b"odd");
    assert_eq!(
        fs::read(view.path().join("n".repeat(255))).unwrap(),
        b"long"
    );
    assert_eq!(
        errno(fs::read(view.path().join("n".repeat(256)))),
        Errno::NAMETOOLONG
    );
    assert_eq!(
        errno(fs::read(view.path().join("n".repeat(254)))),
        Errno::NOENT
    );
    let statistics = rustix::fs::statvfs(view.path()).unwrap();
    assert_eq!(statistics.f_namemax, 255);
    assert_eq!(statistics.f_bavail, 0);
}

#[test]
fn the_mount_is_read_only_without_devices_and_knows_no_ioctl_but_that_for_flags() {
    let lab = Lab::new();
    let chain = lab.base(varied);
    let session = lab.session();
    let view = session.add_view(&chain, &[]).unwrap();
    let at = |name: &str| view.path().join(name);
    assert_eq!(errno(fs::write(at("new"), b"")), Errno::ROFS);
    assert_eq!(errno(fs::remove_file(at("empty"))), Errno::ROFS);
    assert_eq!(errno(fs::create_dir(at("new"))), Errno::ROFS);
    assert_eq!(
        errno(File::options().write(true).open(at("empty"))),
        Errno::ROFS
    );
    assert_eq!(errno(fs::read(at("d/null"))), Errno::ACCESS);
    assert!(
        fs::symlink_metadata(at("d/null"))
            .unwrap()
            .file_type()
            .is_char_device()
    );
    let set = rustix::fs::setxattr(at("empty"), "user.x", b"", XattrFlags::empty());
    assert_eq!(set, Err(Errno::ROFS));
    let directory = File::open(at("d")).unwrap();
    let terminal = rustix::termios::tcgetattr(&directory);
    assert_eq!(terminal.err(), Some(Errno::NOTTY));
    assert_eq!(rustix::fs::ioctl_getflags(&directory), Ok(IFlags::empty()));
    for name in ["trusted.overlay.opaque", "user.none", "security.selinux"] {
        assert_eq!(
            rustix::fs::getxattr(at("d"), name, &mut [0; 9]),
            Err(Errno::NODATA),
            "{name}"
        );
    }
}

/// Whether a user of that number, in no group of note, can read a file.
fn reads_as(uid: u32, path: &Path) -> bool {
    let mut cat = Command::new("cat");
    cat.arg(path)
        .uid(uid)
        .gid(65534)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    cat.status().unwrap().success()
}

#[test]
fn the_kernel_checks_permissions_for_every_user() {
    let lab = Lab::new();
    let chain = lab.base(|layer| {
        let kind = layer.contents(b"secret");
        layer
            .put("private", kind.clone(), 0o600)
            .put("public", kind, 0o644);
    });
    lab.open_to_all();
    let session = lab.session();
    let view = session.add_view(&chain, &[]).unwrap();
    assert!(reads_as(65534, &view.path().join("public")));
    assert!(!reads_as(65534, &view.path().join("private")));
}

/// Names and cookies of a directory from a position on.
pub(crate) fn entries_from(directory: &File, position: u64) -> Vec<(Vec<u8>, u64, u64)> {
    rustix::fs::seek(directory, SeekFrom::Start(position)).unwrap();
    let mut buffer = vec![MaybeUninit::uninit(); 1 << 16];
    let mut entries = RawDir::new(directory, &mut buffer);
    let mut found = Vec::new();
    while let Some(entry) = entries.next() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_bytes().to_vec();
        found.push((name, entry.ino(), entry.next_entry_cookie()));
    }
    found
}

#[test]
fn holes_are_seen_through_the_mount() {
    let lab = Lab::new();
    let chain = lab.base(|layer| {
        let mut writer = lab.store.blobs().writer().unwrap();
        writer.skip(8 << 20).unwrap();
        io::Write::write_all(&mut writer, b"end").unwrap();
        let (blob, size) = writer.finish().unwrap();
        layer.put("sparse", NodeKind::Regular { blob, size }, 0o644);
    });
    let session = lab.session();
    let view = session.add_view(&chain, &[]).unwrap();
    let file = File::open(view.path().join("sparse")).unwrap();
    assert_eq!(rustix::fs::seek(&file, SeekFrom::Data(0)), Ok(8 << 20));
    assert_eq!(rustix::fs::seek(&file, SeekFrom::Hole(0)), Ok(0));
    assert_eq!(
        rustix::fs::seek(&file, SeekFrom::Data((8 << 20) + 3)),
        Err(Errno::NXIO)
    );
    let mut end = [1; 6];
    file.read_exact_at(&mut end, (8 << 20) - 3).unwrap();
    assert_eq!(&end, b"\0\0\0end");
}

#[test]
fn data_and_holes_before_the_beginning_are_enxio() {
    let lab = Lab::new();
    let chain = lab.base(|layer| {
        layer.file("file", b"contents");
    });
    let session = lab.session();
    let view = session.add_view(&chain, &[]).unwrap();
    let file = File::open(view.path().join("file")).unwrap();
    for before in [-1_i64, -4096, i64::MIN].map(i64::cast_unsigned) {
        assert_eq!(
            rustix::fs::seek(&file, SeekFrom::Data(before)),
            Err(Errno::NXIO)
        );
        assert_eq!(
            rustix::fs::seek(&file, SeekFrom::Hole(before)),
            Err(Errno::NXIO)
        );
    }
}

#[test]
fn access_lists_of_the_image_count() {
    let lab = Lab::new();
    // user::rw-, user:1:---, group::r--, mask::r--, other::r--
    let entry = |tag: u16, permissions: u16, id: u32| {
        [
            &tag.to_le_bytes()[..],
            &permissions.to_le_bytes(),
            &id.to_le_bytes(),
        ]
        .concat()
    };
    let none = u32::MAX;
    let acl = [
        2_u32.to_le_bytes().to_vec(),
        entry(1, 6, none),
        entry(2, 0, 1),
        entry(4, 4, none),
        entry(16, 4, none),
        entry(32, 4, none),
    ]
    .concat();
    let chain = lab.base(|layer| {
        let kind = layer.contents(b"readable, but not for user 1");
        let xattrs = vec![xattr("system.posix_acl_access", &acl)];
        layer.put_with(
            "f",
            kind,
            Metadata {
                mode: 0o644,
                xattrs,
                ..Metadata::default()
            },
        );
    });
    lab.open_to_all();
    let session = lab.session();
    let view = session.add_view(&chain, &[]).unwrap();
    let path = view.path().join("f");
    assert!(reads_as(2, &path) && !reads_as(1, &path));
}
