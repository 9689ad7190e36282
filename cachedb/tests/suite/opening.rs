//! Opening: versions, strangers, damage, permissions.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use iechor_cachedb::{BuildId, CacheDb, CacheError, RecordFilter};
use proptest::prelude::*;
use rusqlite::Connection;

use crate::support::{TestDb, boot};

fn open(path: &Path) -> Result<CacheDb, CacheError> {
    CacheDb::open(path, boot())
}

#[test]
fn opening_twice_migrates_once() {
    let t = TestDb::new();
    let made = t.base();
    for _ in 0..2 {
        assert_eq!(t.again().record(made.id).unwrap(), Some(made.clone()));
    }
    let raw = Connection::open(t.path()).unwrap();
    let pragma = |name: &str| -> String {
        raw.pragma_query_value(None, name, |row| {
            row.get::<_, rusqlite::types::Value>(0)
                .map(|value| format!("{value:?}"))
        })
        .unwrap()
    };
    assert_eq!(pragma("user_version"), "Integer(7)");
    assert_eq!(pragma("journal_mode"), "Text(\"wal\")");
}

#[test]
fn every_table_is_strict() {
    let t = TestDb::new();
    let raw = Connection::open(t.path()).unwrap();
    let mut query = raw
        .prepare("SELECT name FROM pragma_table_list WHERE type = 'table' AND NOT strict")
        .unwrap();
    let loose: Vec<String> = query
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(
        loose.iter().all(|name| name.starts_with("sqlite_")),
        "{loose:?}"
    );
}

#[test]
fn an_older_database_is_brought_up_to_date_with_what_is_in_it() {
    let t = TestDb::new();
    let path = t.path();
    let dir = path.parent().unwrap().join("older");
    fs::create_dir(&dir).unwrap();
    let older = dir.join("cache.db");
    let raw = Connection::open(&older).unwrap();
    raw.execute_batch(include_str!("../../src/db/migrations/0001.sql"))
        .unwrap();
    raw.execute_batch(
        "PRAGMA application_id = 0x69456368; PRAGMA user_version = 1;
         INSERT INTO builds VALUES (7, 1, 2, 'iEchorfile', '.', NULL, 'failed', '[]', NULL);
         INSERT INTO build_steps VALUES \
         (1, 7, 0, 1, 'RUN x', 'f', 1, 0, NULL, 1, NULL, NULL, NULL, 'failed', NULL, 5, NULL);",
    )
    .unwrap();
    drop(raw);
    let opened = open(&older).unwrap();
    let steps = opened.steps(BuildId(7)).unwrap();
    let step = &steps[0].step;
    assert_eq!((step.text.as_str(), step.duration_ms), ("RUN x", 5));
    assert_eq!((step.label.as_str(), step.begun_ms), ("", 0));
    assert!(step.takes_from.is_empty() && step.setup.is_none());
    assert_eq!((steps[0].pruned, &step.surroundings), (None, &None));
}

#[test]
fn a_newer_schema_is_refused_without_a_write() {
    let t = TestDb::new();
    let path = t.path();
    drop(t.db);
    Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let before = fs::read(&path).unwrap();
    let error = open(&path).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cache database {} has schema version 99, this iechor knows 7; \
             use the newer iechor or another state directory",
            path.canonicalize().unwrap().display()
        )
    );
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("theirs.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE t (a)")
        .unwrap();
    assert!(matches!(open(&path), Err(CacheError::Foreign { .. })));
    let tables: i64 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tables, 1);
}

#[test]
fn what_is_no_database_is_called_damaged_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cache.db");
    fs::write(
        &path,
        "this is a text, and long enough to be looked at".repeat(40),
    )
    .unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(error, CacheError::Damaged { .. }));
    assert!(
        error
            .to_string()
            .contains("move it and its -wal and -shm files away"),
        "{error}"
    );
}

#[test]
fn a_symbolic_link_is_not_followed_and_a_missing_directory_is_named() {
    let t = TestDb::new();
    let link = t.dir.path().join("link.db");
    symlink(t.path(), &link).unwrap();
    assert!(open(&link).is_err());
    let error = open(&t.dir.path().join("none/cache.db")).unwrap_err();
    assert!(error.to_string().ends_with("/none"), "{error}");
}

#[test]
fn only_the_owner_can_read_the_files() {
    let t = TestDb::new();
    t.base();
    for suffix in ["", "-wal", "-shm"] {
        let path = format!("{}{suffix}", t.path().display());
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{path}");
    }
}

#[test]
fn a_listing_needs_no_right_to_write() {
    let t = TestDb::new();
    let made = t.base();
    let db = CacheDb::open_read_only(&t.path(), boot()).unwrap();
    assert_eq!(
        db.records(&RecordFilter::default()).unwrap(),
        std::slice::from_ref(&made)
    );
    assert!(db.touch(&[made.id], Default::default()).is_err());
    let missing = CacheDb::open_read_only(&t.dir.path().join("none.db"), boot());
    assert!(matches!(missing, Err(CacheError::Open { .. })));
    assert!(!t.dir.path().join("none.db").exists());
}

#[test]
fn a_row_that_was_tampered_with_is_no_result() {
    let t = TestDb::new();
    let made = t.base();
    let raw = Connection::open(t.path()).unwrap();
    raw.execute("UPDATE records SET snapshot = randomblob(32)", [])
        .unwrap();
    let error = t.db.lookup(None, &made.key).unwrap_err();
    assert!(error.to_string().contains("(record 1)"), "{error}");
    raw.execute("UPDATE shared SET bytes = x'7b7d'", [])
        .unwrap();
    assert!(matches!(
        t.db.config(made.id),
        Err(CacheError::Damaged { .. })
    ));
}

/// Everything that reads, so that damage is met.
fn use_it(db: &CacheDb) {
    let records = db.records(&RecordFilter::default()).unwrap_or_default();
    for record in &records {
        let _ = db.lookup(record.parent, &record.key);
        let _ = (
            db.config(record.id),
            db.recipe(record.id),
            db.ancestors(record.id),
        );
        let _ = (db.witness(record.id), db.children(record.id));
    }
    let _ = (
        db.images(),
        db.builds(10),
        db.failed_steps(),
        db.referenced_snapshots(),
        db.check(),
    );
}

fn whole_database() -> Vec<u8> {
    let t = TestDb::new();
    let base = t.base();
    (0..40).for_each(|number| drop(t.run(&base, &format!("echo {number}"))));
    let path = t.path();
    drop(t.db);
    fs::read(path).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn flipped_bytes_never_give_a_wrong_result_nor_a_panic(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..30),
        truncated in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let whole = whole_database();
        let mut bytes = whole.clone();
        for (at, flip) in flips {
            *at.get_mut(&mut bytes) ^= flip;
        }
        if let Some(len) = truncated {
            bytes.truncate(len.index(whole.len()));
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache.db");
        fs::write(&path, &bytes).unwrap();
        if let Ok(db) = open(&path) {
            use_it(&db);
            for record in db.records(&RecordFilter::default()).unwrap_or_default() {
                if let Ok(Some(found)) = db.lookup(record.parent, &record.key) {
                    let snapshot = crate::support::snapshot(&found.key.hex());
                    prop_assert_eq!(found.snapshot, Some(snapshot), "a wrong image");
                }
            }
        }
    }

    #[test]
    fn random_bytes_open_as_nothing(bytes in prop::collection::vec(any::<u8>(), 1..4000)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache.db");
        fs::write(&path, &bytes).unwrap();
        prop_assert!(open(&path).is_err());
    }
}
