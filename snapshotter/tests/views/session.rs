//! The life of a session: views come and go, contents are lost, servers die.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use iechor_snapshotter::Chain;
use iechor_snapshotter::chainfs::{VirtualEntry, VirtualKind};
use iechor_snapshotter::fuse::{FuseError, FuseOptions, FuseSession, Visibility};
use iechor_snapshotter::mount::{self, MountKind};
use iechor_snapshotter::tree::Tree;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::fixture::Lab;
use crate::programs::{check_same, entries_from, errno};
use crate::server_process::{self, ServerProcess};

#[test]
fn a_file_that_two_views_share_is_read_from_the_store_once() {
    let lab = Lab::new();
    let base = lab.base(|layer| _ = layer.file("d/shared", b"read me once"));
    let next = lab.layer(&base, |layer| _ = layer.file("d/more", b"x"));
    let session = lab.session();
    let one = session.add_view(&base, &[]).unwrap();
    assert_eq!(
        fs::read(one.path().join("d/shared")).unwrap(),
        b"read me once"
    );
    let ino = fs::metadata(one.path().join("d/shared")).unwrap().ino();
    drop(one);
    // From now on the store would give nothing.
    fs::write(lab.blob_path(b"read me once"), b"").unwrap();
    let two = session.add_view(&next, &[]).unwrap();
    let shared = two.path().join("d/shared");
    assert_eq!(fs::read(&shared).unwrap(), b"read me once");
    assert_eq!(fs::metadata(&shared).unwrap().ino(), ino);
    assert_eq!(session.faults().count(), 0);
}

#[test]
fn what_is_open_outlives_its_view() {
    let lab = Lab::new();
    let chain = lab.base(|layer| _ = layer.file("d/a", b"A").file("d/b", b"B"));
    let session = lab.session();
    let view = session.add_view(&chain, &[]).unwrap();
    let path = view.path().to_owned();
    let file = File::open(path.join("d/a")).unwrap();
    let directory = File::open(path.join("d")).unwrap();
    drop(view);
    // So many that the kernel is made to forget the first.
    for _ in 0..20 {
        fs::read_dir(session.add_view(&chain, &[]).unwrap().path()).unwrap();
    }
    assert_eq!(errno(fs::metadata(&path)), Errno::NOENT);
    let mut contents = String::new();
    (&file).read_to_string(&mut contents).unwrap();
    assert_eq!(contents, "A");
    assert_eq!(entries_from(&directory, 0).len(), 4);
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let other = rustix::fs::openat(&directory, "b", flags, Mode::empty()).unwrap();
    assert_eq!(rustix::io::pread(&other, &mut [0; 9], 0), Ok(1));
}

#[test]
fn the_list_of_views_follows_them() {
    let lab = Lab::new();
    let session = lab.session();
    let listed = || {
        let names = fs::read_dir(session.path()).unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().path()).collect();
        names.sort();
        names
    };
    assert_eq!(listed(), Vec::<PathBuf>::new());
    assert_eq!(errno(fs::metadata(session.path().join("1"))), Errno::NOENT);
    let one = session.add_view(&Chain::empty(), &[]).unwrap();
    let two = session.add_view(&Chain::empty(), &[]).unwrap();
    assert_eq!(listed(), [one.path(), two.path()]);
    drop(one);
    assert_eq!(listed(), [two.path()]);
}

#[test]
fn views_come_and_go_while_others_are_read() {
    let lab = Lab::new();
    let chain = lab.base(|layer| {
        for number in 0..200 {
            layer.file(
                &format!("d{}/f{number}", number % 10),
                format!("{number}").as_bytes(),
            );
        }
    });
    let session = lab.session();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let tree = Tree::new(&chain, lab.store.blobs());
                while !done.load(Ordering::Relaxed) {
                    let view = session.add_view(&chain, &[]).unwrap();
                    check_same(&tree, &tree.root(), view.path());
                }
            });
        }
        for _ in 0..200 {
            let stub = VirtualEntry {
                path: "run/x".into(),
                kind: VirtualKind::Directory,
            };
            let view = session.add_view(&chain, &[stub]).unwrap();
            assert!(view.path().join("run/x").is_dir());
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(session.faults().count(), 0);
    session.stop().unwrap();
}

#[test]
fn lost_contents_fail_one_read_and_nothing_else() {
    let lab = Lab::new();
    let chain = lab.base(|layer| _ = layer.file("lost", b"lost!").file("kept", b"kept"));
    fs::remove_file(lab.blob_path(b"lost!")).unwrap();
    let session = lab.session();
    let view = session.add_view(&chain, &[]).unwrap();
    assert_eq!(errno(fs::read(view.path().join("lost"))), Errno::IO);
    assert_eq!(fs::read(view.path().join("kept")).unwrap(), b"kept");
    assert!(session.faults().count() > 0);
    assert!(session.faults().first().unwrap().contains("cannot be read"));
}

#[test]
fn stopping_a_session_that_is_in_use_ends_it_and_says_so() {
    let lab = Lab::new();
    let chain = lab.base(|layer| _ = layer.file("f", b"never read"));
    let session = lab.session();
    let view = session.add_view(&chain, &[]).unwrap();
    let at = session.path().to_owned();
    let file = File::open(view.path().join("f")).unwrap();
    let error = session.stop().unwrap_err();
    assert!(
        matches!(error, FuseError::Mount(mount::MountError::Unmount { .. })),
        "{error}"
    );
    assert!(mount::mounts().unwrap().iter().all(|mount| mount.at != at));
    assert_eq!(errno(file.read_at(&mut [0; 9], 0)), Errno::NOTCONN);
    drop(view);
}

#[test]
fn a_dropped_session_leaves_no_mount_and_no_thread() {
    let lab = Lab::new();
    let session = lab.session();
    let at = session.path().to_owned();
    let listed = || {
        mount::mounts()
            .unwrap()
            .into_iter()
            .find(|mount| mount.at == at)
    };
    assert_eq!(listed().unwrap().kind, MountKind::Fuse);
    drop(session);
    assert_eq!(listed(), None);
    fs::remove_dir(&at).unwrap();
}

#[test]
fn a_session_where_none_can_be_says_why() {
    let lab = Lab::new();
    let options = FuseOptions::new(Visibility::Private);
    let missing = lab.root().join("missing");
    let error = FuseSession::start(lab.store.blobs(), &missing, options).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
    let link = lab.root().join("link");
    std::os::unix::fs::symlink("/tmp", &link).unwrap();
    assert!(FuseSession::start(lab.store.blobs(), &link, options).is_err());
}

#[test]
fn the_death_of_the_server_is_enotconn_at_once() {
    if server_process::is_child() {
        return server_process::serve_until_killed();
    }
    let lab = Lab::new();
    let chain = lab.base(|layer| _ = layer.file("f", b"f").file("g", b"g"));
    let name = "session::the_death_of_the_server_is_enotconn_at_once";
    let mut victim = ServerProcess::start(&lab, &chain, name);
    let file = File::open(victim.at.join("g")).unwrap();
    victim.kill();
    let killed = Instant::now();
    assert_eq!(errno(file.read_at(&mut [0; 9], 0)), Errno::NOTCONN);
    assert_eq!(
        errno(fs::metadata(victim.at.join("new name"))),
        Errno::NOTCONN
    );
    assert!(killed.elapsed() < Duration::from_secs(1));
}

#[test]
fn no_descriptor_of_the_device_reaches_a_program() {
    let lab = Lab::new();
    let _session = lab.session();
    let output = Command::new("ls")
        .args(["-l", "/proc/self/fd"])
        .output()
        .unwrap();
    assert!(!String::from_utf8_lossy(&output.stdout).contains("/dev/fuse"));
    let own = fs::read_dir("/proc/self/fd").unwrap();
    let links = own.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    assert!(
        links.into_iter().any(|link| link == Path::new("/dev/fuse")),
        "nothing was tested"
    );
}
