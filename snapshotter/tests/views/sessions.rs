//! Which session a chain is shown on, and what that means for extended attributes.

use std::path::{Path, PathBuf};

use iechor_snapshotter::fuse::{
    FuseError, FuseOptions, FuseSession, Sessions, View, Visibility, Xattrs,
};
use iechor_snapshotter::mount::{self, OverlayMount};
use iechor_snapshotter::{Chain, Metadata};
use rustix::fs::XattrFlags;
use rustix::io::Errno;

use crate::fixture::{Lab, xattr};

const NAME: &str = "user.k";

/// Two files without attributes.
fn plain(lab: &Lab) -> Chain {
    lab.base(|layer| _ = layer.file("d/a", b"a").file("d/b", b"b"))
}

/// The same and one that has some.
fn full(lab: &Lab) -> Chain {
    lab.layer(&plain(lab), |layer| {
        let kind = layer.contents(b"c");
        let xattrs = vec![xattr(NAME, b"v")];
        let metadata = Metadata {
            xattrs,
            ..Metadata::default()
        };
        layer.put_with("d/c", kind, metadata);
    })
}

fn sessions(lab: &Lab) -> Sessions {
    Sessions::new(&lab.store, FuseOptions::new(Visibility::Private))
}

fn get(path: &Path) -> Result<Vec<u8>, Errno> {
    let mut value = [0; 64];
    let length = rustix::fs::lgetxattr(path, NAME, &mut value)?;
    Ok(value[..length].to_vec())
}

fn list(path: &Path) -> Result<usize, Errno> {
    rustix::fs::llistxattr(path, &mut [0_u8; 64])
}

fn mount_of(view: &View) -> PathBuf {
    view.path().parent().unwrap().to_owned()
}

#[test]
fn chains_with_and_without_attributes_are_on_two_sessions() {
    let lab = Lab::new();
    let sessions = sessions(&lab);
    let [one, other] = [plain(&lab), lab.base(|layer| _ = layer.file("e", b""))]
        .map(|chain| sessions.add_view(&chain, &[]).unwrap());
    let full = sessions.add_view(&full(&lab), &[]).unwrap();
    assert_eq!(mount_of(&one), mount_of(&other));
    assert_ne!(mount_of(&one), mount_of(&full));
    assert_eq!(get(&one.path().join("d/a")), Err(Errno::OPNOTSUPP));
    assert_eq!(get(&full.path().join("d/a")), Err(Errno::NODATA));
    assert_eq!(get(&full.path().join("d/c")), Ok(b"v".to_vec()));
    for view in [one, full] {
        assert_eq!(list(&view.path().join("d/a")), Ok(0));
    }
    assert_eq!(sessions.faults(), 0);
}

/// The first attribute of a chain is set in a step like any other.
#[test]
fn attributes_can_be_set_on_a_chain_without_any() {
    let lab = Lab::new();
    let sessions = sessions(&lab);
    let chain = plain(&lab);
    let active = lab.store.prepare(&chain).unwrap();
    let view = sessions.add_view(&chain, &[]).unwrap();
    let overlay = OverlayMount::new(
        view.path(),
        &active.upper(),
        &active.work(),
        &active.merged(),
    )
    .unwrap();
    let at = |path: &str| overlay.path().join(path);
    rustix::fs::setxattr(at("d/a"), NAME, b"v", XattrFlags::empty()).unwrap();
    assert_eq!(get(&at("d/a")), Ok(b"v".to_vec()));
    assert_eq!(get(&at("d/b")), Err(Errno::OPNOTSUPP));
    assert_eq!(list(&at("d/b")), Ok(0));
    rustix::fs::removexattr(at("d/a"), NAME).unwrap();
    assert_eq!(get(&at("d/a")), Err(Errno::NODATA));
    rustix::fs::setxattr(at("d/a"), NAME, b"w", XattrFlags::CREATE).unwrap();
    overlay.unmount().unwrap();
    let view = sessions
        .add_view(&active.commit(&[]).unwrap(), &[])
        .unwrap();
    assert_eq!(get(&view.path().join("d/a")), Ok(b"w".to_vec()));
    assert_eq!(get(&view.path().join("d/b")), Err(Errno::NODATA));
}

#[test]
fn a_session_that_denies_attributes_takes_no_chain_that_has_some() {
    let lab = Lab::new();
    let options = FuseOptions::new(Visibility::Private).with(Xattrs::Absent);
    let session = FuseSession::start(lab.store.blobs(), &lab.make_dir("fuse"), options).unwrap();
    assert!(matches!(
        session.add_view(&full(&lab), &[]),
        Err(FuseError::Xattrs)
    ));
    assert!(session.add_view(&plain(&lab), &[]).is_ok());
}

#[test]
fn the_sessions_end_with_their_owner() {
    let lab = Lab::new();
    let sessions = sessions(&lab);
    let views = [plain(&lab), full(&lab)].map(|chain| sessions.add_view(&chain, &[]).unwrap());
    let ours = views.each_ref().map(mount_of);
    let mounted = || {
        mount::mounts()
            .unwrap()
            .iter()
            .filter(|it| ours.contains(&it.at))
            .count()
    };
    assert_eq!(mounted(), 2);
    drop(views);
    drop(sessions);
    assert_eq!(mounted(), 0);
}
