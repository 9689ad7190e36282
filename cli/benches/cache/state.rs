//! A state directory as a busy machine has it after months: 100,000 records.
//!
//! 500 iEchorfiles of 20 steps each, built ten times each with a change somewhere: a build continues
//! its iEchorfile's last chain at the step that changed. Two steps in three made a layer of a file of
//! its own and one of those that many layers have; the others only changed the configuration.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use iechor_cachedb::{
    BootId, BuildStatus, CacheDb, CacheKey, Durability, Hint, Input, NewBuild, NewImage, NewRecord,
    NewStep, Place, Recipe, Record, StepOutcome, UnixMillis,
};
use iechor_snapshotter::{Chain, Digest, Metadata, NodeKind, SnapshotStore};
use tempfile::TempDir;

use crate::measure::{self, Times};

/// Records that are made.
pub(crate) const RECORDS: u32 = 100_000;

/// iEchorfiles that are built in turn.
const FILES: u32 = 500;

/// Steps of each.
const STEPS: u32 = 20;

/// Files that many layers have.
const COMMON: u32 = 1000;

/// When everything happens, in milliseconds since the epoch.
const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

/// The state directory; gone when this is.
pub(crate) struct State {
    dir: TempDir,
    /// The key of a step in the middle of a chain.
    pub(crate) some_key: CacheKey,
    sibling: (Record, Recipe),
}

/// A step of the last build of an iEchorfile.
#[derive(Clone)]
struct Made {
    record: Record,
    chain: Chain,
}

struct Maker {
    store: SnapshotStore,
    cache: CacheDb,
    made: u32,
}

impl State {
    /// Makes it: half a minute or so. The index is written where it need not wait for the disk.
    pub(crate) fn make() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("iechor-bench-").tempdir()?;
        let memory = Path::new("/dev/shm");
        let beside = if memory.is_dir() { memory } else { dir.path() };
        let index = tempfile::Builder::new()
            .prefix("iechor-bench-")
            .tempdir_in(beside)?;
        let path = index.path().join("cache.db");
        let mut maker = Maker {
            store: SnapshotStore::open(&dir.path().join("state"))?,
            cache: CacheDb::open(&path, BootId(String::new()))?,
            made: 0,
        };
        let last = maker.make_all()?;
        let middle = last.get(10).context("a chain has more steps")?;
        let below = last.get(9).context("a chain has more steps")?;
        let state = Self {
            some_key: middle.record.key,
            sibling: (
                below.record.clone(),
                recipe(Some(&below.record), &middle.record.text, "never seen"),
            ),
            dir,
        };
        // Closed, it is one file.
        drop(maker);
        fs::copy(path, state.root().join("cache.db"))?;
        Ok(state)
    }

    /// The state directory.
    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Why a step with an argument that nobody has seen is a miss.
    pub(crate) fn explain(&self) -> Result<Times> {
        let cache = CacheDb::open(&self.root().join("cache.db"), BootId(String::new()))?;
        let (below, recipe) = &self.sibling;
        let hint = Hint {
            place: &below.place,
            fallback: None,
            now: NOW,
        };
        measure::turns(|| {
            let told = cache.explain(Some(below.id), recipe, &hint)?;
            told.sibling.context("a sibling is there").map(drop)
        })
    }
}

impl Maker {
    /// Builds in turn until there are enough records; gives the steps of the last build.
    fn make_all(&mut self) -> Result<Vec<Made>> {
        let mut chains: Vec<Vec<Made>> = vec![Vec::new(); FILES as usize];
        for build in 0.. {
            let file = build % FILES;
            let steps = &mut chains[file as usize];
            // Another step changes each time, the later ones more often.
            let changed = if build < FILES {
                0
            } else {
                (build * 7) % STEPS
            };
            steps.truncate(changed as usize);
            self.build(build, file, steps)?;
            if self.made >= RECORDS {
                return Ok(steps.clone());
            }
        }
        Ok(Vec::new())
    }

    fn build(&mut self, build: u32, file: u32, steps: &mut Vec<Made>) -> Result<()> {
        let cached = steps.len();
        for position in (0..STEPS).skip(cached) {
            let step = self.step(build, file, position, steps.last())?;
            steps.push(step);
        }
        self.log(file, cached, steps)?;
        if build.is_multiple_of(10) {
            self.name_image(file, steps)?;
        }
        Ok(())
    }

    fn step(&mut self, build: u32, file: u32, position: u32, below: Option<&Made>) -> Result<Made> {
        let parent = below.map(|below| &below.record);
        let text = text_of(file, position);
        let recipe = recipe(parent, &text, &build.to_string());
        let chain = below.map_or_else(Chain::empty, |below| below.chain.clone());
        let chain = if position % 3 == 2 {
            chain
        } else {
            self.layer(&chain)?
        };
        let new = NewRecord {
            parent: parent.map(|parent| parent.id),
            place: place(file, position),
            snapshot: chain.tip(),
            config: format!("{{\"Env\":[\"PATH=/usr/bin:/bin\"],\"Cmd\":\"{position}\"}}"),
            created: NOW,
            duration_ms: 100,
            own_bytes: 4096,
            durability: Durability::Durable,
        };
        let record = self.cache.insert(&new, &recipe)?;
        self.made += 1;
        Ok(Made { record, chain })
    }

    /// A layer with a file of its own and one that others have.
    fn layer(&self, below: &Chain) -> Result<Chain> {
        let mut writer = self.store.new_layer(below)?;
        for (name, text) in [
            ("own", format!("file {}", self.made)),
            ("common", format!("common {}", self.made % COMMON)),
        ] {
            let blob = self.store.blobs().put(text.as_bytes())?;
            let size = text.len() as u64;
            let kind = NodeKind::Regular { blob, size };
            writer.put(Path::new(name), kind, Metadata::default())?;
        }
        Ok(writer.commit()?)
    }

    fn log(&self, file: u32, cached: usize, steps: &[Made]) -> Result<()> {
        let build = NewBuild {
            started: NOW,
            file: file_name(file),
            context: "/src".to_owned(),
            target: None,
            tags: Vec::new(),
        };
        let outcome = |at| {
            if at < cached {
                StepOutcome::Hit
            } else {
                StepOutcome::Miss
            }
        };
        let steps = (0..).zip(steps).map(|(ordinal, step)| NewStep {
            ordinal,
            number: ordinal + 1,
            place: step.record.place.clone(),
            text: step.record.text.clone(),
            record: Some(step.record.id),
            parent: step.record.parent,
            snapshot: step.record.snapshot,
            outcome: outcome(ordinal as usize),
            reason: None,
            label: String::new(),
            begun_ms: 0,
            takes_from: Vec::new(),
            setup: None,
            surroundings: None,
            duration_ms: 100,
            log: None,
        });
        let steps: Vec<_> = steps.collect();
        self.cache
            .log_build(&build, &steps, BuildStatus::Succeeded, None, NOW)?;
        Ok(())
    }

    fn name_image(&self, file: u32, steps: &[Made]) -> Result<()> {
        let Some(last) = steps.last() else {
            return Ok(());
        };
        let image = NewImage {
            config: format!("{{\"made\":{}}}", self.made),
            manifest: None,
            record: Some(last.record.id),
            chain: last.chain.layers().iter().map(|layer| layer.id()).collect(),
            platform: "linux/amd64".to_owned(),
            created: NOW,
            size: 1,
        };
        let name = format!("docker.io/library/project-{file}:latest");
        self.cache.put_image(&image, &[name])?;
        Ok(())
    }
}

fn file_name(file: u32) -> String {
    format!("services/project-{file}/iEchorfile")
}

fn text_of(file: u32, position: u32) -> String {
    match position {
        0 => "FROM debian:12".to_owned(),
        _ => format!("RUN make -C /src/project-{file} target-{position} && make install"),
    }
}

fn place(file: u32, position: u32) -> Place {
    Place {
        file: file_name(file),
        line: position + 1,
        stage_index: 0,
        stage_name: Some("build".to_owned()),
        position,
    }
}

fn recipe(parent: Option<&Record>, text: &str, argument: &str) -> Recipe {
    let mut inputs = vec![
        Input::arg("VERSION", argument),
        Input::platform("linux/amd64"),
    ];
    if parent.is_none() {
        inputs.push(Input::base("debian:12", Digest::of(argument.as_bytes())));
    }
    Recipe {
        parent: parent.map(|parent| parent.key),
        kind: text.split(' ').next().unwrap_or_default().to_owned(),
        instruction: text.to_owned(),
        shown: None,
        inputs,
    }
}
