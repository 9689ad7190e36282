use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::chain::Chain;
use crate::id::Digest;
use crate::layer::{Metadata, NodeKind};
use crate::store::{SnapshotStore, StoreError};

/// A store with one layer, and where its index lies.
struct Fixture {
    dir: tempfile::TempDir,
    id: SnapshotId,
    index: PathBuf,
}

impl Fixture {
    fn of(files: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SnapshotStore::open(dir.path()).unwrap();
        let mut layer = store.new_layer(&Chain::empty()).unwrap();
        for at in 0..files {
            let blob = Digest::of(&at.to_le_bytes());
            let kind = NodeKind::Regular { blob, size: 8 };
            let path = format!("{at:06}");
            let metadata = Metadata::default();
            layer.put(Path::new(&path), kind, metadata).unwrap();
        }
        let id = layer.commit().unwrap().tip().unwrap();
        let hex = id.digest().hex();
        let index = dir.path().join("layers").join(&hex[..2]).join(hex);
        fs::set_permissions(&index, fs::Permissions::from_mode(0o600)).unwrap();
        Self { dir, id, index }
    }

    /// What a new process says when it is asked for the layer.
    fn open(&self) -> Result<Chain, StoreError> {
        SnapshotStore::open(self.dir.path()).unwrap().chain(self.id)
    }

    fn list(&self) -> String {
        fs::read_to_string(self.dir.path().join("verified")).unwrap_or_default()
    }

    /// Changes one bit of the last name.
    fn damage(&self) {
        let mut bytes = fs::read(&self.index).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&self.index, bytes).unwrap();
    }

    fn note(&self) {
        let list = VerifiedList::new(self.dir.path().join("verified"));
        list.note(self.id, &File::open(&self.index).unwrap());
    }
}

/// Files of an index that is large.
const MANY: usize = 9000;

#[test]
fn a_large_index_is_remembered_and_a_small_one_is_not() {
    let large = Fixture::of(MANY);
    large.open().unwrap();
    let noted = large.list();
    assert!(noted.contains(&large.id.digest().hex()), "{noted}");
    large.open().unwrap();
    assert_eq!(large.list(), noted, "it was verified again");
    let small = Fixture::of(10);
    small.open().unwrap();
    assert_eq!(small.list(), "");
}

#[test]
fn what_was_changed_since_is_verified_again() {
    let fixture = Fixture::of(MANY);
    fixture.open().unwrap();
    fixture.damage();
    assert!(matches!(fixture.open(), Err(StoreError::Corrupt { .. })));
}

#[test]
fn what_was_verified_in_this_boot_is_not_read_through_again() {
    let fixture = Fixture::of(MANY);
    fixture.damage();
    fixture.note();
    let chain = fixture.open().unwrap();
    assert_eq!(chain.layers()[0].index().len() as usize, MANY + 1);
    let store = SnapshotStore::open(fixture.dir.path()).unwrap();
    let error = store.verify(fixture.id).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}

#[test]
fn what_another_boot_verified_does_not_count() {
    let fixture = Fixture::of(MANY);
    fixture.damage();
    fixture.note();
    let other = fixture.list().replace(boot().unwrap(), "another-boot");
    fs::write(fixture.dir.path().join("verified"), other).unwrap();
    assert!(matches!(fixture.open(), Err(StoreError::Corrupt { .. })));
}

#[test]
fn a_list_that_grew_too_long_begins_anew() {
    let fixture = Fixture::of(MANY);
    let path = fixture.dir.path().join("verified");
    fs::write(&path, "x\n".repeat(LONGEST as usize / 2)).unwrap();
    fixture.open().unwrap();
    assert_eq!(fixture.list().lines().count(), 1);
}
