use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::*;
use crate::id::Digest;
use crate::layer::{Metadata, NodeKind, Timestamp};

/// A store in a directory that goes away with it.
struct Fixture {
    dir: tempfile::TempDir,
    store: SnapshotStore,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SnapshotStore::open(&dir.path().join("store")).unwrap();
        Self { dir, store }
    }

    fn root(&self) -> std::path::PathBuf {
        self.dir.path().join("store")
    }

    fn reopen(&self) -> Result<SnapshotStore, StoreError> {
        SnapshotStore::open(&self.root())
    }

    /// A layer of files with the given contents.
    fn layer(&self, parent: &Chain, files: &[(&str, &[u8])]) -> Chain {
        let mut layer = self.store.new_layer(parent).unwrap();
        for (path, contents) in files {
            let blob = self.store.blobs().put(contents).unwrap();
            let kind = NodeKind::Regular {
                blob,
                size: contents.len() as u64,
            };
            layer.put(Path::new(path), kind, metadata()).unwrap();
        }
        layer.commit().unwrap()
    }

    fn path_of(&self, part: &str, digest: &Digest) -> std::path::PathBuf {
        let hex = digest.hex();
        self.root().join(part).join(&hex[..2]).join(hex)
    }
}

fn metadata() -> Metadata {
    Metadata {
        mode: 0o644,
        mtime: Timestamp { secs: 1, nanos: 2 },
        ..Metadata::default()
    }
}

fn tip(chain: &Chain) -> SnapshotId {
    chain.tip().unwrap()
}

#[test]
fn a_chain_is_found_again_by_its_tip_alone() {
    let fixture = Fixture::new();
    let base = fixture.layer(&Chain::empty(), &[("a", b"1")]);
    let chain = fixture.layer(&base, &[("b", b"2")]);
    let reopened = fixture.reopen().unwrap();
    let found = reopened.chain(tip(&chain)).unwrap();
    assert_eq!(
        found
            .layers()
            .iter()
            .map(|layer| layer.id())
            .collect::<Vec<_>>(),
        [tip(&base), tip(&chain)]
    );
    assert_eq!(found.below(1).tip(), base.tip());
    assert!(reopened.contains(tip(&base)));
}

#[test]
fn a_layer_is_mapped_once() {
    let fixture = Fixture::new();
    let base = fixture.layer(&Chain::empty(), &[("a", b"1")]);
    let again = fixture.store.chain(tip(&base)).unwrap();
    assert!(Arc::ptr_eq(&base.layers()[0], &again.layers()[0]));
}

#[test]
fn the_same_change_on_the_same_parent_is_the_same_snapshot_in_every_store() {
    let (one, other) = (Fixture::new(), Fixture::new());
    let ids = [&one, &other].map(|fixture| {
        let base = fixture.layer(&Chain::empty(), &[("a", b"1")]);
        [
            tip(&base),
            tip(&fixture.layer(&base, &[("d/b", b"2"), ("c", b"3")])),
        ]
    });
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn a_snapshot_that_is_not_there_is_named() {
    let fixture = Fixture::new();
    let id = SnapshotId::new(Digest::of(b"nothing"));
    let error = fixture.store.chain(id).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("snapshot {id} is not in the store")
    );
    assert!(!fixture.store.contains(id));
}

#[test]
fn damaged_files_are_found_and_named() {
    let fixture = Fixture::new();
    let chain = fixture.layer(&Chain::empty(), &[("a", b"contents")]);
    let blob = fixture.path_of("blobs", &Digest::of(b"contents"));
    fixture.store.verify(tip(&chain)).unwrap();

    fs::set_permissions(&blob, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&blob, b"Contents").unwrap();
    let error = fixture.store.verify(tip(&chain)).unwrap_err();
    assert!(
        matches!(&error, StoreError::Damaged { path, .. } if *path == blob),
        "{error:?}"
    );
    fs::remove_file(&blob).unwrap();
    assert!(matches!(
        fixture.store.verify(tip(&chain)),
        Err(StoreError::NoBlob(_))
    ));

    let index = fixture.path_of("layers", tip(&chain).digest());
    let mut bytes = fs::read(&index).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::remove_file(&index).unwrap();
    fs::write(&index, bytes).unwrap();
    let error = fixture.reopen().unwrap().chain(tip(&chain)).unwrap_err();
    assert!(
        matches!(&error, StoreError::Corrupt { path, .. } if *path == index),
        "{error:?}"
    );
}

#[test]
fn an_index_under_the_name_of_another_is_refused() {
    let fixture = Fixture::new();
    let one = fixture.layer(&Chain::empty(), &[("a", b"1")]);
    let other = fixture.layer(&Chain::empty(), &[("b", b"1")]);
    let [one, other] = [one, other].map(|chain| fixture.path_of("layers", tip(&chain).digest()));
    fs::rename(&one, &other).unwrap();
    let id = Digest::from_hex(other.file_name().unwrap().to_str().unwrap()).unwrap();
    let error = fixture
        .reopen()
        .unwrap()
        .chain(SnapshotId::new(id))
        .unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
}

#[test]
fn directories_that_others_could_change_are_refused() {
    let fixture = Fixture::new();
    let chmod = |path: &str, mode| {
        fs::set_permissions(fixture.root().join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    chmod("blobs", 0o750);
    let error = fixture.reopen().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("has mode 0750 and is open to other users"),
        "{error}"
    );
    chmod("blobs", 0o700);
    chmod("", 0o777);
    assert!(matches!(fixture.reopen(), Err(StoreError::Mode { .. })));
    chmod("", 0o755);
    fixture.reopen().unwrap();
    std::os::unix::fs::chown(fixture.root().join("layers"), Some(12345), None).unwrap();
    let error = fixture.reopen().unwrap_err();
    assert!(
        error.to_string().contains("belongs to user 12345"),
        "{error}"
    );
}

#[test]
fn a_store_of_another_version_is_left_alone() {
    let fixture = Fixture::new();
    fs::write(fixture.root().join("format"), "iechor store 7\n").unwrap();
    let error = fixture.reopen().unwrap_err();
    assert!(error.to_string().contains("\"iechor store 7\""), "{error}");
}

#[test]
fn everything_in_the_store_is_private() {
    let fixture = Fixture::new();
    let chain = fixture.layer(&Chain::empty(), &[("a", b"1")]);
    let mode = |path: std::path::PathBuf| fs::metadata(path).unwrap().mode() & 0o7777;
    assert_eq!(mode(fixture.path_of("blobs", &Digest::of(b"1"))), 0o400);
    assert_eq!(mode(fixture.path_of("layers", tip(&chain).digest())), 0o400);
    for dir in ["", "blobs", "layers", "scratch"] {
        assert_eq!(mode(fixture.root().join(dir)), 0o700, "{dir}");
    }
}

#[test]
fn abandoned_scratch_directories_are_swept_and_held_ones_stay() {
    let fixture = Fixture::new();
    let held = fixture.store.prepare(&Chain::empty()).unwrap();
    let abandoned = fixture.root().join("scratch/abandoned");
    fs::create_dir_all(abandoned.join("upper/etc")).unwrap();
    fs::write(abandoned.join("upper/etc/file"), "x").unwrap();
    let store = fixture.reopen().unwrap();
    assert!(!abandoned.exists());
    assert!(held.upper().is_dir() && held.work().is_dir() && held.merged().is_dir());
    drop(held);
    fixture.store.scratch().settle();
    assert_eq!(scratch_directories(&fixture), 0);
    drop(store);
}

#[test]
fn scratch_directories_are_gone_when_the_last_handle_is() {
    let mut fixture = Fixture::new();
    for _ in 0..5 {
        let active = fixture.store.prepare(&Chain::empty()).unwrap();
        fs::create_dir_all(active.upper().join("some/directories")).unwrap();
        fs::create_dir(fixture.store.mount_point().unwrap().path().join("left")).unwrap();
    }
    fixture.store = SnapshotStore::open(&fixture.dir.path().join("other")).unwrap();
    assert_eq!(scratch_directories(&fixture), 0);
}

#[test]
fn a_scratch_directory_that_outlives_the_handles_still_goes() {
    let mut fixture = Fixture::new();
    let active = fixture.store.prepare(&Chain::empty()).unwrap();
    fixture.store = SnapshotStore::open(&fixture.dir.path().join("other")).unwrap();
    assert_eq!(scratch_directories(&fixture), 1);
    drop(active);
    assert_eq!(scratch_directories(&fixture), 0);
}

fn scratch_directories(fixture: &Fixture) -> usize {
    fs::read_dir(fixture.root().join("scratch"))
        .unwrap()
        .count()
}

#[test]
fn what_a_plan_says_is_what_a_sweep_gives_back() {
    let fixture = Fixture::new();
    let base = fixture.layer(
        &Chain::empty(),
        &[("shared", &[1; 10_000]), ("base", &[2; 5_000])],
    );
    let top = fixture.layer(&base, &[("again", &[1; 10_000]), ("own", &[3; 20_000])]);
    assert_eq!(fixture.store.sweep_plan(&[]).unwrap(), Swept::default());
    let usage = fixture.store.usage(tip(&top)).unwrap();
    assert_eq!(usage.shared, 12_288);
    assert_eq!(usage.own, 20_480 + 4_096);

    let plan = fixture.store.sweep_plan(&[tip(&top)]).unwrap();
    assert_eq!((plan.blobs, plan.bytes), (1, usage.own));
    let index = fixture.store.remove(tip(&top)).unwrap();
    let swept = fixture.store.sweep().unwrap();
    assert_eq!((swept.blobs, swept.bytes + index), (plan.blobs, plan.bytes));
    fixture.store.verify(tip(&base)).unwrap();
    let left: Vec<_> = fixture
        .store
        .layers()
        .unwrap()
        .map(|facts| facts.unwrap().id)
        .collect();
    assert_eq!(left, [tip(&base)]);
}

#[test]
fn a_sweep_waits_for_the_layer_under_way() {
    let fixture = Fixture::new();
    let mut layer = fixture.store.new_layer(&Chain::empty()).unwrap();
    let blob = fixture.store.blobs().put(b"not yet named").unwrap();
    let swept = std::thread::scope(|scope| {
        let sweep = scope.spawn(|| fixture.store.sweep().unwrap());
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(!sweep.is_finished());
        layer
            .put(
                Path::new("a"),
                NodeKind::Regular { blob, size: 13 },
                metadata(),
            )
            .unwrap();
        layer.commit().unwrap();
        sweep.join().unwrap()
    });
    assert_eq!(swept, Swept::default());
}

#[test]
fn a_store_on_a_read_only_file_system_can_be_read() {
    use nix::mount::{MsFlags, mount};
    use nix::sched::{CloneFlags, unshare};

    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    let fixture = Fixture::new();
    let chain = fixture.layer(&Chain::empty(), &[("a", b"1")]);
    let change = |source: Option<&Path>, target: &Path, flags| {
        mount(source, target, None::<&str>, flags, None::<&str>).unwrap();
    };
    let root = fixture.root();
    change(None, Path::new("/"), MsFlags::MS_REC | MsFlags::MS_PRIVATE);
    change(Some(&root), &root, MsFlags::MS_BIND);
    change(
        None,
        &root,
        MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY,
    );

    let store = fixture.reopen().unwrap();
    assert_eq!(store.chain(tip(&chain)).unwrap().tip(), chain.tip());
    store.verify(tip(&chain)).unwrap();
    let error = store.blobs().put(b"2").unwrap_err();
    assert!(error.is_read_only(), "{error:?}");
    drop(store);
    nix::mount::umount(&root).unwrap();
}

#[test]
fn a_store_can_be_synced() {
    Fixture::new().store.sync().unwrap();
}
