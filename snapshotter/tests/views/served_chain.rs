//! A single chain as a mount of its own, as `iechor mount` makes it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::thread;

use iechor_snapshotter::fuse::{FuseOptions, FuseSession, ServedChain, Visibility};
use iechor_snapshotter::mount;
use iechor_snapshotter::{Chain, NodeKind};

use crate::fixture::Lab;

fn serve(lab: &Lab, chain: &Chain, visibility: Visibility) -> ServedChain {
    let options = FuseOptions::new(visibility);
    FuseSession::serve_chain(lab.store.blobs(), chain, &lab.make_dir("at"), options).unwrap()
}

/// Options of a mount as the kernel tells them.
fn mount_options(served: &ServedChain) -> String {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let at = served.path().to_str().unwrap();
    let line = table
        .lines()
        .find(|line| line.split(' ').nth(4) == Some(at))
        .unwrap();
    line.to_owned()
}

#[test]
fn the_root_of_the_mount_is_that_of_the_chain() {
    let lab = Lab::new();
    let chain = lab.base(|layer| {
        layer
            .file("etc/name", b"chain")
            .put("", NodeKind::Directory, 0o750);
    });
    let served = serve(&lab, &chain, Visibility::Private);
    assert_eq!(fs::read(served.path().join("etc/name")).unwrap(), b"chain");
    assert_eq!(fs::metadata(served.path()).unwrap().mode() & 0o7777, 0o750);
    assert_eq!(fs::metadata(served.path()).unwrap().ino(), 1);
    served.stop().unwrap();
}

#[test]
fn the_host_sees_a_mount_without_set_user_id() {
    let lab = Lab::new();
    let chain = lab.base(|layer| _ = layer.file("f", b"x"));
    let host = serve(&lab, &chain, Visibility::Host);
    let line = mount_options(&host);
    assert!(line.contains(" ro,nosuid,nodev,"), "{line}");
    assert!(line.contains(" - fuse.iechor iechor ro,"), "{line}");
    assert!(line.contains("default_permissions,allow_other"), "{line}");
    host.stop().unwrap();
    let private = serve(&lab, &chain, Visibility::Private);
    assert!(mount_options(&private).contains(" ro,nodev,"));
}

#[test]
fn serving_ends_when_somebody_unmounts() {
    let lab = Lab::new();
    let chain = lab.base(|layer| _ = layer.file("f", b"x"));
    let served = serve(&lab, &chain, Visibility::Host);
    let at = served.path().to_owned();
    let waiter = thread::spawn(move || served.wait());
    assert_eq!(fs::read(at.join("f")).unwrap(), b"x");
    mount::unmount(&at).unwrap();
    waiter.join().unwrap().unwrap();
    assert_eq!(fs::read_dir(&at).unwrap().count(), 0);
}
