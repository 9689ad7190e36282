//! A census from the last one is as one from nothing, whatever happened in between.

use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use iechor_snapshotter::{Chain, Digest, Metadata, NodeKind};
use zerocopy::little_endian::U32;

use super::*;
use crate::Settings;

struct Store {
    engine: Engine,
    dir: tempfile::TempDir,
}

impl Store {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let engine = Engine::open(dir.path(), Settings::default()).unwrap();
        Self { engine, dir }
    }

    fn layer(&self, below: &Chain, contents: &[&str]) -> Chain {
        let mut writer = self.engine.store().new_layer(below).unwrap();
        for (number, text) in contents.iter().enumerate() {
            let blob = self.engine.store().blobs().put(text.as_bytes()).unwrap();
            let size = text.len() as u64;
            let (kind, name) = (NodeKind::Regular { blob, size }, format!("{number}"));
            writer
                .put(Path::new(&name), kind, Metadata::default())
                .unwrap();
        }
        writer.commit().unwrap()
    }

    /// As if the directories had been left alone for long.
    fn settle(&self) {
        let long_ago = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        for shelf in ["layers", "blobs"] {
            for entry in fs::read_dir(self.dir.path().join(shelf)).unwrap() {
                let dir = fs::File::open(entry.unwrap().path()).unwrap();
                dir.set_modified(long_ago).unwrap();
            }
        }
    }

    fn take(&self) -> Tables {
        Census::take(&self.engine, Trust::Times).unwrap().tables
    }
}

/// What a census says, in an order that does not depend on how it came about.
fn told(tables: &Tables) -> Vec<String> {
    let layer = |(at, layer): (usize, &CountedLayer)| {
        let names = tables.names_at(at).iter();
        let digest = |name: &U32| tables.blobs()[name.get() as usize].digest;
        let mut names: Vec<_> = names.map(digest).collect();
        names.sort();
        let parent = layer.parent().map(|parent| tables.id(parent));
        let (id, index, share) = (tables.id(at), layer.index(), layer.share());
        format!("{id:?} {parent:?} {index} {share:?} {names:?}")
    };
    let mut told: Vec<String> = tables.layers().iter().enumerate().map(layer).collect();
    told.extend(tables.blobs().iter().map(|blob| format!("{blob:?}")));
    told.sort();
    told
}

/// From the last census, from the disk, and from the file that was kept.
fn assert_right(store: &Store) {
    let census = store.take();
    let path = store.dir.path().join("census");
    let kept = Tables::open(&path).unwrap_or_default();
    assert_eq!(told(&kept), told(&census));
    let _there_is_none_of_an_empty_store = fs::remove_file(&path);
    assert_eq!(told(&store.take()), told(&census));
}

#[test]
fn what_came_and_went_is_found() {
    let store = Store::new();
    assert_right(&store);
    let base = store.layer(&Chain::empty(), &["a", "b"]);
    assert_right(&store);
    store.settle();
    let top = store.layer(&base, &["b", "c"]);
    store.layer(&base, &[]);
    assert_right(&store);
    store.settle();
    store.engine.store().remove(top.tip().unwrap()).unwrap();
    assert_right(&store);
    store.engine.store().sweep().unwrap();
    assert_right(&store);
    assert_eq!(store.take().blobs().len(), 2);
}

#[test]
fn a_directory_that_has_its_time_is_not_listed() {
    let store = Store::new();
    let chain = store.layer(&Chain::empty(), &["a"]);
    store.settle();
    let census = store.take();
    assert_eq!(told(&store.take()), told(&census));
    // Behind its back, and with the old time: only a census that trusts nothing finds out.
    store.engine.store().remove(chain.tip().unwrap()).unwrap();
    store.settle();
    assert_eq!(told(&store.take()), told(&census));
    let again = Census::take(&store.engine, Trust::Nothing).unwrap();
    assert_eq!(again.len(), 0);
}

#[test]
fn a_change_right_after_the_census_is_not_missed() {
    let store = Store::new();
    for round in 0..20 {
        store.layer(&Chain::empty(), &[&round.to_string()]);
        assert_eq!(store.take().layers().len(), round + 1);
    }
}

#[test]
fn a_blob_that_was_missing_is_asked_for_again() {
    let store = Store::new();
    store.layer(&Chain::empty(), &["a"]);
    let blob = Digest::of(b"a");
    let path = store.dir.path().join("blobs").join(&blob.hex()[..2]);
    fs::rename(&path, store.dir.path().join("away")).unwrap();
    assert_eq!(store.take().blobs()[0].bytes(), 0);
    fs::rename(store.dir.path().join("away"), &path).unwrap();
    assert!(store.take().blobs()[0].bytes() > 0);
}

#[test]
fn a_damaged_file_counts_as_none() {
    let store = Store::new();
    store.layer(&Chain::empty(), &["a"]);
    let census = store.take();
    let path = store.dir.path().join("census");
    let good = fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(97) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        assert!(Tables::open(&path).is_none(), "byte {at}");
        fs::write(&path, &good[..at]).unwrap();
        assert!(Tables::open(&path).is_none(), "cut at {at}");
    }
    assert_eq!(told(&store.take()), told(&census));
}
