//! A state directory with snapshots, records and images made by hand.

use std::path::{Path, PathBuf};

use iechor_cachedb::{
    BuildId, BuildStatus, Durability, Input, NewBuild, NewRecord, NewStep, Place, Recipe, Record,
    StepOutcome, UnixMillis,
};
use iechor_engine::output::{self, BuildResult, Finished};
use iechor_engine::progress::Silent;
use iechor_engine::request::{Compression, Output, OutputDest, OutputKind};
use iechor_engine::{Engine, Platform, Settings, StepId};
use iechor_image::ImageConfig;
use iechor_image::config::History;
use iechor_snapshotter::{Chain, Metadata, NodeKind, Timestamp};

/// When everything here happens, in seconds since the epoch.
pub(crate) const NOW: i64 = 1_800_000_000;

pub(crate) struct TestState {
    pub(crate) engine: Engine,
    pub(crate) dir: tempfile::TempDir,
}

impl TestState {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let engine = Engine::open(&dir.path().join("root"), Settings::default()).unwrap();
        Self { engine, dir }
    }

    /// A path beside the state directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A chain with one more layer that has these files.
    pub(crate) fn layer(&self, parent: &Chain, files: &[(&str, &str)]) -> Chain {
        let mut writer = self.engine.store().new_layer(parent).unwrap();
        for (path, text) in files {
            let blob = self.engine.store().blobs().put(text.as_bytes()).unwrap();
            let kind = NodeKind::Regular {
                blob,
                size: text.len() as u64,
            };
            let mtime = Timestamp {
                secs: 1_000_000_000,
                nanos: 0,
            };
            let metadata = Metadata {
                mode: 0o644,
                mtime,
                ..Metadata::default()
            };
            writer.put(Path::new(path), kind, metadata).unwrap();
        }
        writer.commit().unwrap()
    }

    /// The record of an instruction at line `line`, with the chain after it.
    pub(crate) fn record(&self, parent: Option<&Record>, text: &str, chain: &Chain) -> Record {
        let position = parent.map_or(0, |parent| parent.place.position + 1);
        let recipe = Recipe {
            parent: parent.map(|parent| parent.key),
            kind: text.split(' ').next().unwrap().to_owned(),
            instruction: text.to_owned(),
            shown: None,
            inputs: vec![Input::platform("linux/amd64")],
        };
        let new = NewRecord {
            parent: parent.map(|parent| parent.id),
            place: place(position),
            snapshot: chain.tip(),
            config: config(0)
                .to_bytes()
                .map(|bytes| String::from_utf8(bytes).unwrap())
                .unwrap(),
            created: UnixMillis(NOW * 1000),
            duration_ms: 1,
            own_bytes: 1,
            durability: Durability::Durable,
        };
        self.engine.cache().insert(&new, &recipe).unwrap()
    }

    /// A build in the history whose steps used these records.
    pub(crate) fn build(&self, records: &[&Record]) -> BuildId {
        let steps: Vec<_> = records
            .iter()
            .zip(0..)
            .map(|(record, at)| step(record, at))
            .collect();
        self.history(&steps, BuildStatus::Succeeded)
    }

    pub(crate) fn history(&self, steps: &[NewStep], status: BuildStatus) -> BuildId {
        let build = NewBuild {
            started: UnixMillis(NOW * 1000),
            file: "iEchorfile".to_owned(),
            context: "/src".to_owned(),
            target: None,
            tags: Vec::new(),
        };
        let now = UnixMillis(NOW * 1000);
        self.engine
            .cache()
            .log_build(&build, steps, status, None, now)
            .unwrap()
    }

    /// The image of a chain, with these names and written to these outputs.
    pub(crate) fn finish(&self, chain: &Chain, names: &[&str], outputs: &[Output]) -> Finished {
        self.try_finish(chain, names, outputs, &mut Vec::new())
            .unwrap()
    }

    pub(crate) fn try_finish(
        &self,
        chain: &Chain,
        names: &[&str],
        outputs: &[Output],
        stdout: &mut Vec<u8>,
    ) -> Result<Finished, output::OutputError> {
        let result = BuildResult {
            chain: chain.clone(),
            config: config(chain.layers().len()),
            record: None,
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        output::finish(
            &self.engine,
            result,
            outputs,
            stdout,
            NOW,
            &Silent,
            StepId(0),
        )
    }

    /// Every file below a directory of the state directory.
    pub(crate) fn files(&self, dir: &str) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut pending = vec![self.engine.root().join(dir)];
        while let Some(dir) = pending.pop() {
            for entry in std::fs::read_dir(dir).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    pending.push(path);
                } else {
                    files.push(path);
                }
            }
        }
        files
    }
}

pub(crate) fn amd64() -> Platform {
    "linux/amd64".parse().unwrap()
}

/// A configuration whose history has so many layers.
pub(crate) fn config(layers: usize) -> ImageConfig {
    let mut config = ImageConfig::scratch(&amd64());
    config.config.env = vec!["PATH=/bin".to_owned()];
    config.history = (0..layers)
        .map(|layer| History {
            created_by: format!("COPY {layer} /"),
            ..History::default()
        })
        .collect();
    config
}

pub(crate) fn place(position: u32) -> Place {
    Place {
        file: "iEchorfile".to_owned(),
        line: position + 1,
        stage_index: 0,
        stage_name: Some("build".to_owned()),
        position,
    }
}

/// A step of the history that used a record.
pub(crate) fn step(record: &Record, ordinal: u32) -> NewStep {
    NewStep {
        ordinal,
        number: ordinal + 1,
        label: format!("[build {}/9]", ordinal + 1),
        takes_from: Vec::new(),
        setup: None,
        surroundings: None,
        begun_ms: 0,
        place: record.place.clone(),
        text: record.text.clone(),
        record: Some(record.id),
        parent: record.parent,
        snapshot: record.snapshot,
        outcome: StepOutcome::Miss,
        reason: None,
        duration_ms: 1,
        log: None,
    }
}

pub(crate) fn output_to(kind: OutputKind, path: &Path) -> Output {
    let dest = OutputDest::Path(path.to_owned());
    Output {
        kind,
        dest,
        compression: Compression::Gzip,
    }
}

/// What an error and its sources say.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |error| error.source());
    sources.fold(error.to_string(), |line, source| {
        format!("{line}: {source}")
    })
}

/// The file that a layer's chain has at a path.
pub(crate) fn read(state: &TestState, chain: &Chain, path: &str) -> Option<String> {
    let tree = iechor_snapshotter::tree::Tree::new(chain, state.engine.store().blobs());
    let bytes = tree.read(Path::new(path), 1 << 20).unwrap()?;
    Some(String::from_utf8(bytes).unwrap())
}
