//! What the tests of the database share: a database in a directory of its own, and records.

use std::cell::RefCell;
use std::path::PathBuf;

use iechor_cachedb::gc::{GcPolicy, GcScope, GcView, LayerNo, Usage};
use iechor_cachedb::{
    BootId, CacheDb, Durability, FileFact, FileKind, FileTime, Hint, Input, NewBuild, NewImage,
    NewRecord, NewStep, Place, Recipe, Record, RecordId, Stamp, StepOutcome, UnixMillis,
};
use iechor_snapshotter::{Digest, SnapshotId};

/// A database that goes with its directory.
pub(crate) struct TestDb {
    pub(crate) db: CacheDb,
    pub(crate) dir: tempfile::TempDir,
}

impl TestDb {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = CacheDb::open(&dir.path().join("cache.db"), boot()).unwrap();
        Self { db, dir }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.db.path().to_owned()
    }

    /// A second connection, as another process would have it.
    pub(crate) fn again(&self) -> CacheDb {
        CacheDb::open(self.db.path(), boot()).unwrap()
    }

    pub(crate) fn add(&self, parent: Option<&Record>, recipe: &Recipe, at: &Place) -> Record {
        self.db
            .insert(&new_record(parent, recipe, at), recipe)
            .unwrap()
    }

    /// FROM debian:12 of a digest that belongs to it.
    pub(crate) fn base(&self) -> Record {
        self.add(None, &from("debian:12", "one"), &place(0))
    }

    pub(crate) fn run(&self, parent: &Record, command: &str) -> Record {
        let position = parent.place.position + 1;
        self.add(
            Some(parent),
            &run(Some(parent), command, vec![]),
            &place(position),
        )
    }

    /// The line that `explain` gives.
    pub(crate) fn why(&self, parent: Option<&Record>, recipe: &Recipe, at: &Place) -> String {
        let hint = Hint {
            place: at,
            fallback: None,
            now: UnixMillis(0),
        };
        let id = parent.map(|parent| parent.id);
        self.db
            .explain(id, recipe, &hint)
            .unwrap()
            .first()
            .to_string()
    }
}

pub(crate) fn boot() -> BootId {
    BootId("this boot".to_owned())
}

pub(crate) fn digest(of: &str) -> Digest {
    Digest::of(of.as_bytes())
}

pub(crate) fn snapshot(of: &str) -> SnapshotId {
    SnapshotId::new(digest(of))
}

pub(crate) fn place(position: u32) -> Place {
    Place {
        file: "iEchorfile".to_owned(),
        line: position + 1,
        stage_index: 0,
        stage_name: None,
        position,
    }
}

pub(crate) fn from(reference: &str, content: &str) -> Recipe {
    Recipe {
        parent: None,
        kind: "FROM".to_owned(),
        instruction: "FROM".to_owned(),
        shown: Some(format!("FROM {reference}")),
        inputs: vec![
            Input::base(reference, digest(content)),
            Input::platform("linux/amd64"),
        ],
    }
}

pub(crate) fn step(parent: Option<&Record>, kind: &str, text: &str, inputs: Vec<Input>) -> Recipe {
    Recipe {
        parent: parent.map(|parent| parent.key),
        kind: kind.to_owned(),
        instruction: format!("{kind} {text}"),
        shown: None,
        inputs,
    }
}

pub(crate) fn run(parent: Option<&Record>, command: &str, inputs: Vec<Input>) -> Recipe {
    step(parent, "RUN", command, inputs)
}

/// A record whose snapshot is named after its key, as if it had run.
pub(crate) fn new_record(parent: Option<&Record>, recipe: &Recipe, at: &Place) -> NewRecord {
    NewRecord {
        parent: parent.map(|parent| parent.id),
        place: at.clone(),
        snapshot: Some(snapshot(&recipe.key().hex())),
        config: format!("{{\"after\":\"{}\"}}", recipe.text()),
        created: UnixMillis(1_000),
        duration_ms: 12,
        own_bytes: 100,
        durability: Durability::Durable,
    }
}

pub(crate) fn file(path: &str, size: u64, secs: i64) -> FileFact {
    FileFact {
        path: path.into(),
        kind: FileKind::File,
        mode: 0o644,
        uid: 0,
        gid: 0,
        size,
        stamp: Stamp::Mtime(FileTime { secs, nanos: 0 }),
        target: Vec::new(),
        rdev: 0,
    }
}

pub(crate) fn directory(path: &str) -> FileFact {
    FileFact {
        kind: FileKind::Directory,
        mode: 0o755,
        ..file(path, 4096, 7)
    }
}

pub(crate) fn ids(records: &[Record]) -> Vec<RecordId> {
    records.iter().map(|record| record.id).collect()
}

/// A store in which every snapshot takes the same bytes and shares none.
#[derive(Debug)]
pub(crate) struct Sizes {
    pub(crate) each: u64,
    pub(crate) total: u64,
    pub(crate) free: u64,
    pub(crate) removed: Vec<SnapshotId>,
    /// By their numbers.
    pub(crate) layers: RefCell<Vec<SnapshotId>>,
}

impl Sizes {
    pub(crate) fn of(each: u64) -> Self {
        Self {
            each,
            total: 0,
            free: 0,
            removed: Vec::new(),
            layers: RefCell::default(),
        }
    }
}

impl Usage for Sizes {
    fn total(&self) -> u64 {
        self.total
    }

    fn free(&self) -> u64 {
        self.free
    }

    fn layer(&self, snapshot: &SnapshotId) -> Option<LayerNo> {
        let mut layers = self.layers.borrow_mut();
        let known = layers.iter().position(|known| known == snapshot);
        let number = known.unwrap_or_else(|| {
            layers.push(*snapshot);
            layers.len() - 1
        });
        u32::try_from(number).ok().map(LayerNo)
    }

    fn is_shared(&self, _: LayerNo) -> bool {
        false
    }

    fn remove(&mut self, LayerNo(layer): LayerNo) -> u64 {
        self.removed.push(self.layers.get_mut()[layer as usize]);
        self.each
    }
}

pub(crate) fn nothing_leased(now: UnixMillis) -> GcView<'static> {
    GcView {
        now,
        leased: &|_| false,
    }
}

pub(crate) fn prune_all() -> GcPolicy {
    GcPolicy {
        scope: GcScope::All,
        ..GcPolicy::default()
    }
}

pub(crate) fn new_image(record: Option<&Record>, config: &str) -> NewImage {
    NewImage {
        config: config.to_owned(),
        manifest: None,
        record: record.map(|record| record.id),
        chain: record
            .and_then(|record| record.snapshot)
            .into_iter()
            .collect(),
        platform: "linux/amd64".to_owned(),
        created: UnixMillis(1),
        size: 10,
    }
}

pub(crate) fn new_build(file: &str) -> NewBuild {
    NewBuild {
        started: UnixMillis(1),
        file: file.to_owned(),
        context: ".".to_owned(),
        target: None,
        tags: vec!["docker.io/library/app:latest".to_owned()],
    }
}

pub(crate) fn new_step(number: u32, outcome: StepOutcome, record: Option<&Record>) -> NewStep {
    NewStep {
        ordinal: number,
        number,
        label: format!("[build {number}/9]"),
        place: place(number),
        takes_from: vec![0, 2],
        text: "RUN make".to_owned(),
        record: record.map(|record| record.id),
        parent: None,
        snapshot: record.and_then(|record| record.snapshot),
        outcome,
        reason: Some("first time on this parent".to_owned()),
        begun_ms: 3,
        duration_ms: 5,
        log: Some("logs/1/1.log".to_owned()),
        setup: Some("{\"argv\":[\"make\"]}".to_owned()),
        surroundings: None,
    }
}
