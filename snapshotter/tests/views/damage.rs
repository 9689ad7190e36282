//! Stores that are not what they were: each request that meets the damage says `EIO`, nothing hangs,
//! and nothing else notices.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use iechor_snapshotter::mount::OverlayMount;
use iechor_snapshotter::{Chain, IndexError, NodeKind, SnapshotStore, StoreError};
use rustix::fs::SeekFrom;
use rustix::io::Errno;

use crate::fixture::Lab;
use crate::programs::errno;

/// More than the kernel reads ahead.
const LARGE: usize = 4 << 20;

fn two_files(lab: &Lab) -> Chain {
    lab.base(|layer| _ = layer.file("large", &[7; LARGE]).file("whole", b"whole"))
}

/// Cuts off the blob of the large file.
fn cut(lab: &Lab, length: u64) {
    let blob = lab.blob_path(&[7; LARGE]);
    fs::set_permissions(&blob, fs::Permissions::from_mode(0o600)).unwrap();
    let file = File::options().write(true).open(&blob).unwrap();
    file.set_len(length).unwrap();
}

#[test]
fn a_truncated_blob_fails_reads_behind_its_end() {
    let lab = Lab::new();
    let chain = two_files(&lab);
    cut(&lab, 1 << 20);
    let session = lab.session();
    let view = session.add_view(&chain, &[]).unwrap();
    let file = File::open(view.path().join("large")).unwrap();
    let mut bytes = [0; 4096];
    assert_eq!(errno(file.read_exact_at(&mut bytes, 3 << 20)), Errno::IO);
    assert_eq!(file.metadata().unwrap().len(), LARGE as u64);
    file.read_exact_at(&mut bytes, 0).unwrap();
    assert_eq!(bytes, [7; 4096]);
    assert_eq!(fs::read(view.path().join("whole")).unwrap(), b"whole");
    assert!(session.faults().first().unwrap().contains("cannot be read"));
}

#[test]
fn a_copy_up_of_lost_contents_fails_and_leaves_the_file() {
    let lab = Lab::new();
    let chain = two_files(&lab);
    cut(&lab, 5);
    let session = lab.session();
    let view = session.add_view(&chain, &[]).unwrap();
    let active = lab.store.prepare(&chain).unwrap();
    let (upper, work, merged) = (active.upper(), active.work(), active.merged());
    let overlay = OverlayMount::new(view.path(), &upper, &work, &merged).unwrap();
    let at = |name: &str| overlay.path().join(name);
    let opened = File::options().append(true).open(at("large"));
    assert_eq!(errno(opened), Errno::IO);
    assert_eq!(fs::metadata(at("large")).unwrap().len(), LARGE as u64);
    assert!(!upper.join("large").exists(), "half a copy was left");
    fs::remove_file(at("large")).unwrap();
    fs::write(at("whole"), "written").unwrap();
    overlay.unmount().unwrap();
    assert!(
        session.faults().count() > 0,
        "the step must not be committed"
    );
}

#[test]
fn a_blob_that_is_gone_has_no_holes_either() {
    let lab = Lab::new();
    let chain = two_files(&lab);
    let session = lab.session();
    let view = session.add_view(&chain, &[]).unwrap();
    fs::remove_file(lab.blob_path(&[7; LARGE])).unwrap();
    let file = File::open(view.path().join("large")).unwrap();
    assert_eq!(rustix::fs::seek(&file, SeekFrom::Data(0)), Err(Errno::IO));
    assert_eq!(rustix::fs::seek(&file, SeekFrom::Hole(0)), Err(Errno::IO));
    assert_eq!(errno(file.read_at(&mut [0], 0)), Errno::IO);
}

#[test]
fn a_blob_that_is_a_directory_is_an_error_of_one_file() {
    let lab = Lab::new();
    let chain = two_files(&lab);
    let blob = lab.blob_path(&[7; LARGE]);
    fs::remove_file(&blob).unwrap();
    fs::create_dir(&blob).unwrap();
    let session = lab.session();
    let view = session.add_view(&chain, &[]).unwrap();
    assert_eq!(errno(fs::read(view.path().join("large"))), Errno::IO);
    assert_eq!(fs::read(view.path().join("whole")).unwrap(), b"whole");
}

/// The index file of the topmost layer, writable.
fn index_of(lab: &Lab, chain: &Chain) -> PathBuf {
    let hex = chain.tip().unwrap().digest().hex();
    let path = lab.root().join("store/layers").join(&hex[..2]).join(hex);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// What a new process says when it is asked for the chain.
fn open_anew(lab: &Lab, chain: &Chain) -> StoreError {
    let store = SnapshotStore::open(&lab.root().join("store")).unwrap();
    store.chain(chain.tip().unwrap()).unwrap_err()
}

#[test]
fn a_damaged_index_is_refused_with_its_path() {
    let lab = Lab::new();
    let chain = two_files(&lab);
    let path = index_of(&lab, &chain);
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    *damaged.last_mut().unwrap() ^= 1;
    for bytes in [&damaged[..], &whole[..whole.len() - 1], &whole[..9], b""] {
        fs::write(&path, bytes).unwrap();
        match open_anew(&lab, &chain) {
            StoreError::Corrupt { path: told, .. } => assert_eq!(told, path),
            other => panic!("{} bytes: {other:?}", bytes.len()),
        }
    }
}

#[test]
fn an_index_under_the_name_of_another_is_refused() {
    let lab = Lab::new();
    let chain = two_files(&lab);
    let other = lab.base(|layer| _ = layer.put("other", NodeKind::Fifo, 0o600));
    fs::copy(index_of(&lab, &other), index_of(&lab, &chain)).unwrap();
    let error = open_anew(&lab, &chain);
    let misplaced = |source: &IndexError| matches!(source, IndexError::Misplaced { .. });
    assert!(matches!(&error, StoreError::Corrupt { source, .. } if misplaced(source)));
}

#[test]
fn a_layer_that_is_missing_below_is_named() {
    let lab = Lab::new();
    let base = two_files(&lab);
    let chain = lab.layer(&base, |layer| _ = layer.file("top", b"top"));
    fs::remove_file(index_of(&lab, &base)).unwrap();
    match open_anew(&lab, &chain) {
        StoreError::NoSnapshot(missing) => assert_eq!(Some(missing), base.tip()),
        other => panic!("{other:?}"),
    }
    // Who had it open goes on.
    let session = lab.session();
    let view = session.add_view(&chain, &[]).unwrap();
    let read = |name: &str| fs::read(view.path().join(Path::new(name))).unwrap();
    assert_eq!(
        (read("whole"), read("top")),
        (b"whole".to_vec(), b"top".to_vec())
    );
}
