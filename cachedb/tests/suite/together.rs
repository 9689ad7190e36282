//! Several threads and processes at once: the database, leases and key locks.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use iechor_cachedb::{CacheDb, CacheKey, KeyLock, LeaseDir, RecordFilter, UnixMillis};

use crate::support::{TestDb, boot, digest, from, new_record, place, run, snapshot};

/// The name by which a test runs this binary again as another process.
const ELSEWHERE: &str = "together::work_of_another_process";

/// Set for that process: the directory to work in, and its number.
const WORK: &str = "IECHOR_CACHEDB_TEST_WORK";

fn another_process(dir: &Path, number: usize) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args([ELSEWHERE, "--exact", "--nocapture"])
        .env(WORK, format!("{number}:{}", dir.display()))
        .spawn()
        .unwrap()
}

/// Nothing by itself; with [`WORK`] set, what one of several builds does.
#[test]
fn work_of_another_process() {
    let Ok(work) = std::env::var(WORK) else {
        return;
    };
    let (number, dir) = work.split_once(':').unwrap();
    build(Path::new(dir), number);
}

/// Ten steps that every build has, each made under its key lock if no other build has made it,
/// and one that no other build has.
fn build(dir: &Path, number: &str) {
    let db = CacheDb::open(&dir.join("cache.db"), boot()).unwrap();
    let mut parent = None;
    for step in 0..10 {
        let recipe = match &parent {
            None => from("debian:12", "one"),
            Some(_) => run(parent.as_ref(), &format!("step {step}"), vec![]),
        };
        let lock = KeyLock::acquire(&dir.join("locks"), &recipe.key(), &|| false)
            .unwrap()
            .unwrap();
        let id = parent
            .as_ref()
            .map(|record: &iechor_cachedb::Record| record.id);
        let known = db.lookup(id, &recipe.key()).unwrap();
        let record = known.unwrap_or_else(|| {
            std::thread::sleep(Duration::from_millis(1));
            db.insert(&new_record(parent.as_ref(), &recipe, &place(step)), &recipe)
                .unwrap()
        });
        drop(lock);
        parent = Some(record);
    }
    let parent = parent.unwrap();
    let own = run(Some(&parent), &format!("own {number}"), vec![]);
    db.insert(&new_record(Some(&parent), &own, &place(10)), &own)
        .unwrap();
    db.touch(&[parent.id], UnixMillis(1)).unwrap();
}

#[test]
fn processes_that_build_the_same_steps_execute_each_once() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("locks")).unwrap();
    let builds: Vec<_> = (0..4)
        .map(|number| another_process(dir.path(), number))
        .collect();
    for mut build in builds {
        assert!(build.wait().unwrap().success());
    }
    let db = CacheDb::open(&dir.path().join("cache.db"), boot()).unwrap();
    let records = db.records(&RecordFilter::default()).unwrap();
    assert_eq!(records.len(), 10 + 4);
    assert_eq!(records[9].hits, 4);
    assert_eq!(db.check().unwrap(), Vec::<String>::new());
    let locks = std::fs::read_dir(dir.path().join("locks")).unwrap().count();
    assert_eq!(locks, 0, "lock files stay behind");
}

#[test]
fn threads_may_share_one_database() {
    let t = TestDb::new();
    let base = t.base();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (t, base) = (&t, &base);
            scope.spawn(move || {
                for step in 0..25 {
                    let made = t.run(base, &format!("{thread} {step}"));
                    assert_eq!(t.db.lookup(Some(base.id), &made.key).unwrap(), Some(made));
                }
            });
        }
    });
    assert_eq!(t.db.children(base.id).unwrap().len(), 100);
}

#[test]
fn connections_that_make_the_database_at_once_agree() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cache.db");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| CacheDb::open(&path, boot()).map(drop).unwrap());
        }
    });
}

#[test]
fn a_lease_is_seen_until_its_last_holder_drops_it() {
    let dir = tempfile::tempdir().unwrap();
    let leases = LeaseDir::open(&dir.path().join("leases")).unwrap();
    let (a, b) = (snapshot("a"), snapshot("b"));
    let first = leases.take(a).unwrap();
    let second = leases.take(a).unwrap();
    assert!(leases.is_leased(&a).unwrap());
    assert!(!leases.is_leased(&b).unwrap());
    assert_eq!(leases.leased().unwrap(), [a].into());
    drop(first);
    assert!(leases.is_leased(&a).unwrap());
    assert_eq!(second.snapshot(), a);
    drop(second);
    assert!(!leases.is_leased(&a).unwrap());
    assert_eq!(leases.leased().unwrap(), [].into());
    let files: Vec<_> = std::fs::read_dir(dir.path().join("leases"))
        .unwrap()
        .collect();
    assert_eq!(files.len(), 1, "the gate alone: {files:?}");
}

#[test]
fn nobody_takes_a_lease_while_the_gate_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let leases = LeaseDir::open(dir.path()).unwrap();
    let gate = leases.close_gate().unwrap();
    let taken = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let lease = leases.take(snapshot("a")).unwrap();
            taken.store(1, Ordering::SeqCst);
            drop(lease);
        });
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(taken.load(Ordering::SeqCst), 0);
        drop(gate);
    });
    assert_eq!(taken.load(Ordering::SeqCst), 1);
}

#[test]
fn leases_taken_and_dropped_at_random_are_never_lost() {
    let dir = tempfile::tempdir().unwrap();
    let leases = LeaseDir::open(dir.path()).unwrap();
    let id = snapshot("a");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let lease = leases.take(id).unwrap();
                    assert!(leases.is_leased(&id).unwrap(), "a lease that nobody sees");
                    drop(lease);
                }
            });
        }
    });
}

#[test]
fn a_key_lock_is_held_by_one_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let key = CacheKey::new(digest("key"));
    let holders = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let lock = KeyLock::acquire(dir.path(), &key, &|| false)
                        .unwrap()
                        .unwrap();
                    assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0);
                    holders.fetch_sub(1, Ordering::SeqCst);
                    drop(lock);
                }
            });
        }
    });
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn waiting_for_a_key_lock_can_be_cancelled() {
    let dir = tempfile::tempdir().unwrap();
    let key = CacheKey::new(digest("key"));
    let held = KeyLock::acquire(dir.path(), &key, &|| false)
        .unwrap()
        .unwrap();
    assert!(
        KeyLock::acquire(dir.path(), &key, &|| true)
            .unwrap()
            .is_none()
    );
    assert!(KeyLock::try_acquire(dir.path(), &key).unwrap().is_none());
    assert!(held.path().exists());
    drop(held);
    assert!(
        KeyLock::acquire(dir.path(), &key, &|| true)
            .unwrap()
            .is_some()
    );
}

#[test]
fn a_lock_in_a_directory_that_is_missing_names_its_file() {
    let key = CacheKey::new(digest("key"));
    let error = KeyLock::try_acquire(Path::new("/nowhere/locks"), &key).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot open lock file /nowhere/locks/{}", key.hex())
    );
}
