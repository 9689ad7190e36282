//! Prints how fast the index is: `cargo run --release -p iechor-cachedb --example speed`.
//!
//! Times are the best of several runs; each line names what it measures. Filling the large database
//! waits for the disk 100,000 times: `TMPDIR=/dev/shm` spares that.
#![expect(clippy::print_stdout, reason = "figures are its output")]

use std::cell::RefCell;
use std::time::{Duration, Instant};

use anyhow::Result;
use iechor_cachedb::gc::{GcPolicy, GcScope, GcView, LayerNo, Usage};
use iechor_cachedb::{
    BootId, CacheDb, ContextDigest, Durability, FileFact, FileKind, FileSet, FileTime, Hint, Input,
    NewRecord, Place, Recipe, Record, RecordFilter, Stamp, UnixMillis,
};
use iechor_snapshotter::{Digest, DigestMap, SnapshotId};

/// Records in the large database.
const RECORDS: u32 = 100_000;

/// Files in the large context.
const FILES: u32 = 20_000;

fn main() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("cache.db");
    key_of_a_large_context();
    cached_build(&path)?;
    let db = open(&path)?;
    let base = fill(&db)?;
    let files = recipe(Some(&base), "COPY . /", vec![context(1)]);
    db.insert(&new_record(Some(&base), &files, 1), &files)?;
    large_database(&db, &base)?;
    drop(db);
    cached_build(&path)
}

fn key_of_a_large_context() {
    let recipe = recipe(None, "COPY . /", vec![context(0)]);
    report("key of a COPY of 20,000 files", || recipe.key());
}

/// What a fully cached build of 20 steps asks of the database, with opening and closing it.
fn cached_build(path: &std::path::Path) -> Result<()> {
    let mut chain: Vec<Record> = Vec::new();
    let db = open(path)?;
    for step in 0..20 {
        let recipe = recipe(
            chain.last(),
            &format!("RUN step {step}"),
            vec![Input::arg("A", "1")],
        );
        chain.push(db.insert(&new_record(chain.last(), &recipe, step), &recipe)?);
    }
    drop(db);
    let ids: Vec<_> = chain.iter().map(|record| record.id).collect();
    report(
        "open, 20 lookups, config, touch, close",
        || -> Result<()> {
            let db = open(path)?;
            for record in &chain {
                db.lookup(record.parent, &record.key)?;
            }
            db.config(ids[19])?;
            Ok(db.touch(&ids, UnixMillis(2))?)
        },
    );
    Ok(())
}

fn large_database(db: &CacheDb, base: &Record) -> Result<()> {
    let place = place(1);
    let hint = Hint {
        place: &place,
        fallback: None,
        now: UnixMillis(0),
    };
    let argument = recipe(Some(base), "RUN make", vec![Input::arg("A", "new")]);
    report("explain an argument among 100,000 siblings", || {
        db.explain(Some(base.id), &argument, &hint)
    });
    let text = recipe(Some(base), "RUN never seen", vec![]);
    report("explain a new instruction among 100,000 siblings", || {
        db.explain(Some(base.id), &text, &hint)
    });
    let files = recipe(Some(base), "COPY . /", vec![context(2)]);
    report("explain a COPY of 20,000 files", || {
        db.explain(Some(base.id), &files, &hint)
    });
    report("find by prefix", || db.find_by_prefix(&base.key.short()));
    report("list 100,000 records", || {
        db.records(&RecordFilter::default()).map(|all| all.len())
    });
    report("list 100,000 records for a table", || {
        db.listing().map(|all| all.rows().len())
    });
    let policy = GcPolicy {
        scope: GcScope::All,
        max_used: Some(0),
        ..GcPolicy::default()
    };
    let view = GcView {
        now: UnixMillis(0),
        leased: &|_| false,
    };
    report("plan a prune of 100,000 records", || {
        db.prunable(&policy)
            .map(|all| all.plan(view, &mut Flat::default()).items.len())
    });
    Ok(())
}

/// 100,000 variants of one RUN on one base.
fn fill(db: &CacheDb) -> Result<Record> {
    let from = recipe(
        None,
        "FROM",
        vec![Input::base("debian:12", Digest::of(b"base"))],
    );
    let base = db.insert(&new_record(None, &from, 0), &from)?;
    let begun = Instant::now();
    for number in 0..RECORDS {
        let run = recipe(
            Some(&base),
            "RUN make",
            vec![Input::arg("A", &number.to_string())],
        );
        db.insert(&new_record(Some(&base), &run, 1), &run)?;
    }
    println!(
        "{:>12.3?}  insert, each of 100,000",
        begun.elapsed() / RECORDS
    );
    Ok(base)
}

fn report<T>(what: &str, mut act: impl FnMut() -> T) {
    let best = (0..7).map(|_| time(&mut act)).min().unwrap_or_default();
    println!("{best:>12.3?}  {what}");
}

fn time<T>(act: &mut impl FnMut() -> T) -> Duration {
    let begun = Instant::now();
    std::hint::black_box(act());
    begun.elapsed()
}

fn open(path: &std::path::Path) -> Result<CacheDb> {
    Ok(CacheDb::open(path, BootId("boot".to_owned()))?)
}

fn recipe(parent: Option<&Record>, instruction: &str, inputs: Vec<Input>) -> Recipe {
    Recipe {
        parent: parent.map(|parent| parent.key),
        kind: instruction.split(' ').next().unwrap_or_default().to_owned(),
        instruction: instruction.to_owned(),
        shown: None,
        inputs,
    }
}

fn new_record(parent: Option<&Record>, recipe: &Recipe, position: u32) -> NewRecord {
    NewRecord {
        parent: parent.map(|parent| parent.id),
        place: place(position),
        snapshot: Some(SnapshotId::new(*recipe.key().digest())),
        config: "{\"Env\":[\"PATH=/bin\"]}".repeat(100),
        created: UnixMillis(1),
        duration_ms: 1,
        own_bytes: 1,
        durability: Durability::Durable,
    }
}

fn place(position: u32) -> Place {
    Place {
        file: "iEchorfile".to_owned(),
        line: position + 1,
        stage_index: 0,
        stage_name: None,
        position,
    }
}

fn context(touched: i64) -> Input {
    let file = |number: u32| FileFact {
        path: format!("some/directory/of/sources/file-{number:06}.rs").into_bytes(),
        kind: FileKind::File,
        mode: 0o644,
        uid: 0,
        gid: 0,
        size: u64::from(number),
        stamp: Stamp::Mtime(FileTime {
            secs: if number == 777 { touched } else { 0 },
            nanos: 0,
        }),
        target: Vec::new(),
        rdev: 0,
    };
    Input::files(
        ".",
        FileSet::new(ContextDigest::Metadata, (0..FILES).map(file).collect()),
    )
}

/// Layers in the order in which they were asked for, each with a byte.
#[derive(Default)]
struct Flat(RefCell<DigestMap<SnapshotId, LayerNo>>);

impl Usage for Flat {
    fn total(&self) -> u64 {
        u64::MAX
    }

    fn free(&self) -> u64 {
        0
    }

    fn layer(&self, snapshot: &SnapshotId) -> Option<LayerNo> {
        let mut layers = self.0.borrow_mut();
        let next = LayerNo(u32::try_from(layers.len()).ok()?);
        Some(*layers.entry(*snapshot).or_insert(next))
    }

    fn is_shared(&self, _: LayerNo) -> bool {
        false
    }

    fn remove(&mut self, _: LayerNo) -> u64 {
        1
    }
}
