//! What takes space beside the store: cache mounts, contents, logs.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use iechor_cachedb::{Build, BuildId, BuildStatus};
use iechor_image::manifest::Document;
use iechor_snapshotter::{Digest, SnapshotId};

use super::{UsageError, UsageKind, UsageRecord, records};
use crate::path_error::{AtPath, PathError};
use crate::state::Engine;
use crate::{disk, layers, logs};

/// A thing beside the store.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) record: UsageRecord,
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

/// Everything beside the store, as it is needed while `snapshots` are there.
pub(crate) fn all(
    engine: &Engine,
    snapshots: impl Iterator<Item = SnapshotId>,
) -> Result<Vec<Stored>, UsageError> {
    let mut all = cache_mounts(engine)?;
    all.extend(contents(engine, snapshots)?);
    all.extend(build_logs(engine)?);
    Ok(all)
}

/// What the lock file of a cache mount says.
pub(crate) enum MountLock {
    InUse,
    /// Nobody uses it as long as this lives.
    Free(Option<File>),
}

/// Locks a cache mount against use, if nobody uses it.
pub(crate) fn lock_cache_mount(dir: &Path) -> Result<MountLock, PathError> {
    let path = dir.join("lock");
    let file = match File::open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(MountLock::Free(None)),
        opened => opened.at("open", &path)?,
    };
    match file.try_lock() {
        Ok(()) => Ok(MountLock::Free(Some(file))),
        Err(TryLockError::WouldBlock) => Ok(MountLock::InUse),
        Err(TryLockError::Error(error)) => Err(error).at("lock", &path),
    }
}

fn cache_mounts(engine: &Engine) -> Result<Vec<Stored>, UsageError> {
    let mut mounts = Vec::new();
    for (dir, metadata) in disk::entries(&engine.root().join("cache-mounts"))? {
        let need = match lock_cache_mount(&dir)? {
            MountLock::InUse => Need::Needed,
            MountLock::Free(_) => Need::Useful,
        };
        let record = UsageRecord {
            created: metadata.mtime(),
            last_used: last_used(&dir).max(metadata.mtime()),
            ..record(
                UsageKind::CacheMount,
                name_of(&dir),
                mount_id(&dir),
                disk::tree(&dir)?,
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

/// The id as the iEchorfile has it.
fn mount_id(dir: &Path) -> String {
    fs::read(dir.join("id")).map_or_else(|_| name_of(dir), |id| String::from_utf8_lossy(&id).into())
}

/// When its data directory last changed, in seconds since the epoch.
fn last_used(dir: &Path) -> i64 {
    fs::symlink_metadata(dir.join("data")).map_or(0, |metadata| metadata.mtime())
}

fn contents(
    engine: &Engine,
    snapshots: impl Iterator<Item = SnapshotId>,
) -> Result<Vec<Stored>, UsageError> {
    let named = Named::read(engine, snapshots)?;
    let mut contents = Vec::new();
    for (digest, _) in engine.content().list()? {
        let path = engine.content().path(&digest);
        let Ok(metadata) = fs::symlink_metadata(&path) else {
            continue;
        };
        let (text, need) = named.of(&digest);
        let bytes = disk::allocated(&metadata);
        let record = UsageRecord {
            created: metadata.mtime(),
            last_used: metadata.mtime(),
            ..record(
                UsageKind::Content,
                digest.to_string(),
                text.to_owned(),
                bytes,
            )
        };
        contents.push(Stored {
            record,
            place: Place::Content(digest),
            need,
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
        let layers: Result<Vec<_>, _> = engine.store().layers()?.collect();
        Self::read(engine, layers?.into_iter().map(|layer| layer.id))
    }

    /// How much a content is needed.
    pub(crate) fn need_of(&self, digest: &Digest) -> Need {
        self.of(digest).1
    }

    fn read(
        engine: &Engine,
        snapshots: impl Iterator<Item = SnapshotId>,
    ) -> Result<Self, UsageError> {
        let mut named = Self::default();
        for image in engine.cache().images()? {
            named.documents.insert(image.id);
            named.add_manifest(image.manifest.as_deref());
        }
        for snapshot in snapshots {
            named.add_layer(engine, &snapshot)?;
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

    fn add_layer(&mut self, engine: &Engine, snapshot: &SnapshotId) -> Result<(), UsageError> {
        let Some(layer) = engine.cache().layer(snapshot)? else {
            return Ok(());
        };
        let stored_as = |label: String| engine.cache().compressed_layer(&layer.diff_id, &label);
        for media_type in layers::STORED_AS {
            let pulled = stored_as(layers::pulled_label(media_type))?;
            let made = stored_as(layers::made_label(media_type))?;
            self.pulled.extend(pulled.map(|layer| layer.digest));
            self.made.extend(made.map(|layer| layer.digest));
        }
        Ok(())
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
    let builds = engine.cache().builds(usize::MAX)?;
    let mut all = Vec::new();
    for (dir, metadata) in disk::entries(&logs::directory(engine))? {
        let Ok(number) = name_of(&dir).parse() else {
            continue;
        };
        let build = builds
            .iter()
            .enumerate()
            .find(|(_, build)| build.id == BuildId(number));
        let text = build.map_or("a build that is forgotten", |(_, build)| &build.file);
        let record = UsageRecord {
            created: build.map_or(metadata.mtime(), |(_, build)| {
                records::seconds(build.started)
            }),
            last_used: metadata.mtime(),
            ..record(
                UsageKind::Logs,
                number.to_string(),
                text.to_owned(),
                disk::tree(&dir)?,
            )
        };
        let need = build.map_or(Need::None, |(age, build)| need_of_logs(age, build));
        all.push(Stored {
            record,
            place: Place::Logs(BuildId(number), dir),
            need,
        });
    }
    Ok(all)
}

/// `age` counts newer builds.
fn need_of_logs(age: usize, build: &Build) -> Need {
    match (age, build.status) {
        (0, _) | (_, BuildStatus::Running) => Need::Needed,
        (1..BUILDS_LOGGED, _) => Need::Useful,
        _ => Need::None,
    }
}

fn record(kind: UsageKind, id: String, text: String, own: u64) -> UsageRecord {
    UsageRecord {
        id,
        kind,
        text,
        place: None,
        own,
        shared: 0,
        reclaimable: false,
        created: 0,
        last_used: 0,
        hits: 0,
    }
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
