//! A listing is the same whichever way it was read.

use std::os::unix::fs::MetadataExt;

use super::*;
use crate::{BootId, Durability, Input, NewRecord, Place, Recipe};

fn recipe(parent: Option<CacheKey>, number: usize) -> Recipe {
    Recipe {
        parent,
        kind: "RUN".to_owned(),
        instruction: format!("RUN make {}", number % 7),
        shown: None,
        inputs: vec![Input::arg("NUMBER", &number.to_string())],
    }
}

fn new_record(parent: Option<RecordId>, number: usize) -> NewRecord {
    NewRecord {
        parent,
        place: Place {
            file: format!("{}/iEchorfile", number % 3),
            line: 1,
            stage_index: 0,
            stage_name: None,
            position: 0,
        },
        snapshot: Some(SnapshotId::new(Digest::of(&number.to_le_bytes()))),
        config: "{}".to_owned(),
        created: UnixMillis(1),
        duration_ms: 0,
        own_bytes: 0,
        durability: Durability::Durable,
    }
}

/// A forest whose branches reach over the middle.
fn database(path: &std::path::Path) -> CacheDb {
    let db = CacheDb::open(path, BootId(String::new())).unwrap();
    let mut made: Vec<crate::Record> = Vec::new();
    for number in 0..60 {
        let parent = made.get(number / 3).filter(|_| number % 10 > 0);
        let recipe = recipe(parent.map(|parent| parent.key), number);
        let new = new_record(parent.map(|parent| parent.id), number);
        made.push(db.insert(&new, &recipe).unwrap());
    }
    let used: Vec<_> = made.iter().step_by(4).map(|record| record.id).collect();
    db.touch(&used, UnixMillis(9)).unwrap();
    db
}

/// All that a listing says, its texts in full.
fn told(listing: &Listing) -> Vec<String> {
    let rows = listing.rows().iter().enumerate();
    rows.map(|(at, row)| {
        let (text, file) = (listing.text(row), listing.file(row));
        let parent = row.parent().map(|parent| listing.rows()[parent].id());
        let uses = (row.last_used(), row.use_sequence(), row.hits());
        let known = listing.position(row.id()) == Some(at);
        format!("{:?} {parent:?} {text} {file} {uses:?} {known}", row.id())
    })
    .collect()
}

#[test]
fn two_halves_make_the_same_listing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cache.db");
    let db = database(&path);
    let load = |helper| {
        db.read(|connection| Listing::read(connection, helper))
            .unwrap()
    };
    let alone = load(None);
    let helped = load(Some(Connection::open(&path).unwrap()));
    assert_eq!(alone.rows().len(), 60);
    assert_eq!(told(&helped), told(&alone));
    assert!(told(&alone)[59].contains("Some(RecordId(20)) RUN make 3 2/iEchorfile"));
}

/// The listing by way of the file is that of the database; gives whether the file was replaced.
fn assert_kept_is_right(db: &CacheDb) -> bool {
    let inode = || std::fs::metadata(db.kept_listing()).map(|file| file.ino());
    let before = inode().ok();
    let by_file = db.with_kept_listing(|_, listing| Ok(listing)).unwrap();
    let fresh = db.read(|connection| Listing::read(connection, None));
    assert_eq!(told(&by_file), told(&fresh.unwrap()));
    inode().ok() != before
}

fn remove(db: &CacheDb, ids: std::ops::RangeInclusive<i64>) {
    for id in ids.rev() {
        let delete =
            |t: &rusqlite::Transaction<'_>| t.execute("DELETE FROM records WHERE id = ?1", [id]);
        db.write(delete).unwrap();
    }
}

#[test]
fn what_was_kept_is_caught_up() {
    let dir = tempfile::tempdir().unwrap();
    let db = database(&dir.path().join("cache.db"));
    assert!(assert_kept_is_right(&db), "kept for the first time");
    assert!(!assert_kept_is_right(&db), "nothing has changed");
    db.touch(&[RecordId(7)], UnixMillis(20)).unwrap();
    assert!(!assert_kept_is_right(&db), "one was used");
    let parent = RecordId(60);
    let key = db.listing().unwrap().rows()[59].key();
    let new = recipe(Some(key), 1000);
    db.insert(&new_record(Some(parent), 1000), &new).unwrap();
    assert!(assert_kept_is_right(&db), "two of sixty are many");
    remove(&db, 61..=61);
    assert!(assert_kept_is_right(&db), "one was removed");
    assert!(!assert_kept_is_right(&db));
}

#[test]
fn what_another_boot_or_database_kept_counts_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cache.db");
    let db = database(&path);
    assert!(assert_kept_is_right(&db));
    let rebooted = CacheDb::open(&path, BootId("next".to_owned())).unwrap();
    assert!(assert_kept_is_right(&rebooted));
    let other = database(&dir.path().join("other.db"));
    std::fs::copy(db.kept_listing(), other.kept_listing()).unwrap();
    assert!(assert_kept_is_right(&other));
}

#[test]
fn a_damaged_file_counts_as_none() {
    let dir = tempfile::tempdir().unwrap();
    let db = database(&dir.path().join("cache.db"));
    assert!(assert_kept_is_right(&db));
    let path = db.kept_listing();
    let good = std::fs::read(&path).unwrap();
    assert!(Kept::open(&path).is_some());
    for at in (0..good.len()).step_by(13) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        assert!(Kept::open(&path).is_none(), "byte {at}");
        std::fs::write(&path, &good[..at]).unwrap();
        assert!(Kept::open(&path).is_none(), "cut at {at}");
    }
    assert!(assert_kept_is_right(&db));
}

#[test]
fn a_file_that_cannot_be_written_is_not_missed() {
    let dir = tempfile::tempdir().unwrap();
    let db = database(&dir.path().join("cache.db"));
    std::fs::create_dir(db.kept_listing()).unwrap();
    assert!(!assert_kept_is_right(&db));
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        4,
        "no leftover"
    );
}
