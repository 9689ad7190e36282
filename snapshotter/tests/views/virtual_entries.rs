//! Mount points that a view has and no layer.

use std::path::PathBuf;

use iechor_snapshotter::Chain;
use iechor_snapshotter::chainfs::{ChainFs, FileKind, ViewError, VirtualEntry, VirtualKind};

use crate::chainfs::Fs;
use crate::fixture::Lab;

pub(crate) fn stub(path: &str, kind: VirtualKind) -> VirtualEntry {
    VirtualEntry {
        path: path.into(),
        kind,
    }
}

#[test]
fn virtual_entries_show_in_their_view_alone_and_are_empty() {
    let lab = Lab::new();
    let chain = lab.base(|layer| _ = layer.file("etc/passwd", b"root"));
    let fs = Fs::new(&lab);
    let (id, view) = fs.show(
        &chain,
        &[
            stub("/etc/resolv.conf", VirtualKind::File),
            stub("run/secrets/key", VirtualKind::File),
            stub("proc", VirtualKind::Directory),
        ],
    );
    let (_, plain) = fs.show(&chain, &[]);
    assert_eq!(fs.names(view), [".", "..", "etc", "proc", "run"]);
    assert_eq!(
        fs.names(fs.ino(view, "etc")),
        [".", "..", "passwd", "resolv.conf"]
    );
    let key = fs.find(view, "run/secrets/key").unwrap();
    assert_eq!((key.kind, key.size, key.nlink), (FileKind::Regular, 0, 1));
    assert_eq!(fs.read(key.ino, 0, 10).unwrap(), b"");
    assert_eq!(fs.find(view, "run").unwrap().kind, FileKind::Directory);
    assert_eq!(fs.find(view, "proc/x"), None);
    assert_eq!(fs.names(plain), [".", "..", "etc"]);
    let added = [
        "/proc",
        "/run",
        "/etc/resolv.conf",
        "/run/secrets",
        "/run/secrets/key",
    ];
    let mut paths = fs.0.added_paths(id);
    paths.sort_by_key(|path| (path.components().count(), path.clone()));
    assert_eq!(paths, added.map(PathBuf::from));
}

#[test]
fn an_existing_entry_of_a_fitting_type_stays() {
    let lab = Lab::new();
    let chain = lab.base(|layer| {
        layer
            .file("etc/hosts", b"real")
            .dir("proc/kept")
            .symlink("var/run", "/run")
            .dir("run");
        layer.symlink("etc/resolv.conf", "../run/systemd/stub.conf");
    });
    let fs = Fs::new(&lab);
    let (_, view) = fs.show(
        &chain,
        &[
            stub("etc/hosts", VirtualKind::File),
            stub("proc", VirtualKind::Directory),
            stub("var/run/secrets", VirtualKind::Directory),
            stub("etc/resolv.conf", VirtualKind::File),
        ],
    );
    assert_eq!(fs.read(fs.ino(view, "etc/hosts"), 0, 9).unwrap(), b"real");
    assert_eq!(fs.names(fs.ino(view, "proc")), [".", "..", "kept"]);
    assert_eq!(
        fs.names(fs.ino(view, "run")),
        [".", "..", "secrets", "systemd"]
    );
    assert_eq!(
        fs.find(view, "run/systemd/stub.conf").unwrap().kind,
        FileKind::Regular
    );
    assert_eq!(fs.find(view, "var/run").unwrap().kind, FileKind::Symlink);
}

#[test]
fn virtual_entries_without_a_place_are_refused() {
    let lab = Lab::new();
    let chain = lab.base(|layer| _ = layer.file("file", b"x").dir("dir").symlink("loop", "loop"));
    let fs = ChainFs::of_views(lab.store.blobs());
    let refused = |entries: &[VirtualEntry]| fs.add_view(&chain, entries).unwrap_err();
    assert!(matches!(
        refused(&[stub("file", VirtualKind::Directory)]),
        ViewError::NotADirectory(_)
    ));
    assert!(matches!(
        refused(&[stub("file/x", VirtualKind::File)]),
        ViewError::NotADirectory(_)
    ));
    assert!(matches!(
        refused(&[stub("dir", VirtualKind::File)]),
        ViewError::IsADirectory(_)
    ));
    assert!(matches!(
        refused(&[stub("/", VirtualKind::File)]),
        ViewError::IsADirectory(_)
    ));
    assert!(matches!(
        refused(&[stub("loop/x", VirtualKind::File)]),
        ViewError::Path(_)
    ));
    let twice = [
        stub("new", VirtualKind::File),
        stub("new/x", VirtualKind::File),
    ];
    assert!(matches!(refused(&twice), ViewError::NotADirectory(_)));
    let twice = [
        stub("new/x", VirtualKind::File),
        stub("new", VirtualKind::File),
    ];
    assert!(matches!(refused(&twice), ViewError::IsADirectory(_)));
}

#[test]
fn the_empty_chain_can_have_virtual_entries() {
    let lab = Lab::new();
    let fs = Fs::new(&lab);
    let (_, view) = fs.show(&Chain::empty(), &[stub("proc", VirtualKind::Directory)]);
    assert_eq!(fs.names(view), [".", "..", "proc"]);
    assert_eq!(fs.find(view, "").unwrap().permissions, 0o755);
}
