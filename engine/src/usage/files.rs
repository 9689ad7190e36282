//! What takes space beside the store: cache mounts, contents, logs.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use iechor_cachedb::{Build, BuildId, BuildStatus};
use iechor_image::manifest::Document;
use iechor_snapshotter::{Digest, DigestSet, SnapshotId};

use super::ledger::Ledger;
use super::{UsageError, UsageId, UsageKind, UsageRecord, records};
use crate::cache_mounts::directory::{self, MountLock};
use crate::path_error::PathError;
use crate::state::Engine;
use crate::{disk, history, layers, logs};

/// A thing beside the store.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) record: UsageRecord<'static>,
    pub(crate) place: Place,
    pub(crate) need: Need,
}

/// Where it is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// The directory of a cache mount.
    CacheMount(PathBuf),
    /// In the content store.
    Content(Digest),
    /// The logs of a build.
    Logs(BuildId, PathBuf),
}

/// How much it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Somebody uses it, or it cannot be had again.
    Needed,
    /// Having it spares work: a cache mount, a compressed layer.
    Useful,
    /// For nothing any more.
    None,
}

/// How many builds keep their logs.
const BUILDS_LOGGED: usize = 50;

/// Everything beside the store. Whether contents are needed is not said yet: that depends on what
/// is in the store ([`judged`]).
pub(crate) fn found(engine: &Engine) -> Result<Vec<Stored>, UsageError> {
    let mut found = cache_mounts(engine)?;
    found.extend(contents(engine)?);
    found.extend(build_logs(engine)?);
    Ok(found)
}

/// The same as it is needed while the snapshots of the ledger are there.
pub(crate) fn judged(
    engine: &Engine,
    found: &[Stored],
    ledger: &Ledger,
) -> Result<Vec<Stored>, UsageError> {
    let mut files = found.to_vec();
    let is_content = |stored: &Stored| matches!(stored.place, Place::Content(_));
    if files.iter().any(is_content) {
        let named = Named::read(engine, |snapshot| ledger.has(snapshot))?;
        files.iter_mut().for_each(|stored| stored.judge(&named));
    }
    Ok(files)
}

impl Stored {
    fn judge(&mut self, named: &Named) {
        if let Place::Content(digest) = &self.place {
            let (text, need) = named.of(digest);
            self.need = need;
            self.record.text = text.into();
        }
    }
}

/// The cache mounts.
pub(crate) fn cache_mounts(engine: &Engine) -> Result<Vec<Stored>, UsageError> {
    let mut mounts = Vec::new();
    for (dir, metadata) in disk::entries(&directory::home(engine))? {
        let need = match directory::lock(&dir)? {
            MountLock::InUse => Need::Needed,
            MountLock::Free(_) => Need::Useful,
        };
        let record = UsageRecord {
            created: metadata.mtime(),
            last_used: last_used(&dir).max(metadata.mtime()),
            own: disk::tree(&dir)?,
            ..UsageRecord::new(
                UsageKind::CacheMount,
                UsageId::Text(directory::name_of(&dir).into()),
                directory::id_of(&dir),
            )
        };
        mounts.push(Stored {
            record,
            place: Place::CacheMount(dir),
            need,
        });
    }
    Ok(mounts)
}

/// When a step last used it, in seconds since the epoch: the time of its lock, or of its data if it
/// has been used since otherwise.
fn last_used(dir: &Path) -> i64 {
    let time = |name| fs::symlink_metadata(dir.join(name)).map_or(0, |found| found.mtime());
    time("lock").max(time("data"))
}

fn contents(engine: &Engine) -> Result<Vec<Stored>, UsageError> {
    let mut contents = Vec::new();
    for (digest, _) in engine.content().list()? {
        let path = engine.content().path(&digest);
        let Ok(metadata) = fs::symlink_metadata(&path) else {
            continue;
        };
        let record = UsageRecord {
            created: metadata.mtime(),
            last_used: metadata.mtime(),
            own: disk::allocated(&metadata),
            ..UsageRecord::new(UsageKind::Content, UsageId::Digest(digest), "")
        };
        contents.push(Stored {
            record,
            place: Place::Content(digest),
            need: Need::Needed,
        });
    }
    Ok(contents)
}

/// Contents that something names.
#[derive(Debug, Default)]
pub(crate) struct Named {
    documents: HashSet<Digest>,
    pulled: HashSet<Digest>,
    made: HashSet<Digest>,
}

impl Named {
    /// As the store is now.
    pub(crate) fn now(engine: &Engine) -> Result<Self, UsageError> {
        let snapshots: DigestSet<_> = engine.store().snapshots()?.into_iter().collect();
        Self::read(engine, |snapshot| snapshots.contains(snapshot))
    }

    /// How much a content is needed.
    pub(crate) fn need_of(&self, digest: &Digest) -> Need {
        self.of(digest).1
    }

    fn read(engine: &Engine, is_here: impl Fn(&SnapshotId) -> bool) -> Result<Self, UsageError> {
        let mut named = Self::default();
        for image in engine.cache().images()? {
            named.documents.insert(image.id);
            named.add_manifest(image.manifest.as_deref());
        }
        let pulled = layers::STORED_AS.map(layers::pulled_label);
        let made = layers::STORED_AS.map(layers::made_label);
        for (snapshot, label, digest) in engine.cache().stored_layers()? {
            if !is_here(&snapshot) {
                continue;
            }
            if pulled.contains(&label) {
                named.pulled.insert(digest);
            } else if made.contains(&label) {
                named.made.insert(digest);
            }
        }
        Ok(named)
    }

    fn add_manifest(&mut self, manifest: Option<&str>) {
        let Some(bytes) = manifest.map(str::as_bytes) else {
            return;
        };
        self.documents.insert(Digest::of(bytes));
        if let Ok(Document::Manifest(manifest)) = Document::parse(bytes, "") {
            self.pulled
                .extend(manifest.layers.iter().map(|layer| layer.digest));
        }
    }

    fn of(&self, digest: &Digest) -> (&'static str, Need) {
        if self.documents.contains(digest) {
            ("manifest or configuration", Need::Needed)
        } else if self.pulled.contains(digest) {
            ("layer as pulled", Need::Needed)
        } else if self.made.contains(digest) {
            ("layer as exported", Need::Useful)
        } else {
            ("content without an image", Need::None)
        }
    }
}

fn build_logs(engine: &Engine) -> Result<Vec<Stored>, UsageError> {
    // A build has its row before its logs: whose logs are there and no row is forgotten, not new.
    let dirs = disk::entries(&logs::directory(engine))?;
    let newest_first: Vec<_> = match dirs.as_slice() {
        [] => Vec::new(),
        _ => engine.cache().builds(BUILDS_LOGGED)?,
    };
    let mut all = Vec::new();
    for (dir, metadata) in dirs {
        let Ok(number) = directory::name_of(&dir).parse() else {
            continue;
        };
        let age = newest_first
            .iter()
            .position(|build| build.id == BuildId(number));
        let build = match age {
            Some(age) => newest_first.get(age).cloned(),
            None => engine.cache().build(BuildId(number))?,
        };
        let text = build
            .as_ref()
            .map_or("a build that is forgotten", |build| &build.file)
            .to_owned();
        let record = UsageRecord {
            created: build
                .as_ref()
                .map_or(metadata.mtime(), |build| records::seconds(build.started)),
            last_used: metadata.mtime(),
            own: disk::tree(&dir)?,
            ..UsageRecord::new(
                UsageKind::Logs,
                UsageId::Text(directory::name_of(&dir).into()),
                text,
            )
        };
        let need = match build {
            Some(build) => need_of_logs(engine, age.unwrap_or(BUILDS_LOGGED), &build)?,
            None => Need::None,
        };
        all.push(Stored {
            record,
            place: Place::Logs(BuildId(number), dir),
            need,
        });
    }
    Ok(all)
}

/// `age` counts newer builds, as far as they keep their logs.
fn need_of_logs(engine: &Engine, age: usize, build: &Build) -> Result<Need, PathError> {
    let runs = build.status == BuildStatus::Running && !history::is_killed(engine, build)?;
    Ok(match age {
        _ if runs => Need::Needed,
        0 => Need::Needed,
        1..BUILDS_LOGGED => Need::Useful,
        _ => Need::None,
    })
}
