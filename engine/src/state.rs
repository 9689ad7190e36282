//! The state directory: snapshots, index, pulled contents, cache mounts, logs.
//!
//! ```text
//! <root>/
//! ├── format, store.lock, blobs/, layers/, scratch/    snapshotter
//! ├── cache.db                                          cachedb
//! ├── cache.listing                                     its records, for listings; a copy
//! ├── census                                            what lies in the store, for listings; a copy
//! ├── leases/, locks/                                   cachedb: flocks, die with their process
//! ├── content/sha256/                                   image: manifests, configs, layers as pulled
//! ├── cache-mounts/<sha256 of id>/                      contents of RUN --mount=type=cache
//! ├── logs/<build>/<step>.log                           full log of each executed step
//! └── mounts/<id>.json                                  mounts that outlive their command
//! ```

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use iechor_cachedb::{BootId, CacheDb, LeaseDir};
use iechor_image::ContentStore;
use iechor_image::HttpSettings;
use iechor_image::registry::{Anonymous, Credentials};
use iechor_snapshotter::SnapshotStore;
use rustix::fs::StatVfsMountFlags;

use crate::error::BuildError;

/// Name of the directory of leases.
pub(crate) const LEASES: &str = "leases";

/// Changes at each boot: what was not synced before the last one may be lost (cachedb, `Sealed`).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// What a state directory is opened with, besides its path.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where user names and passwords of registries come from.
    pub credentials: Arc<dyn Credentials>,
    /// Registries (`host` or `host:port`) that are spoken to over plain HTTP; those on loopback
    /// always are.
    pub insecure_registries: Vec<String>,
    /// Through which proxy servers are reached, and whose certificates are good.
    pub http: HttpSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            credentials: Arc::new(Anonymous),
            insecure_registries: Vec::new(),
            http: HttpSettings::default(),
        }
    }
}

/// An open state directory. Cheap to clone, used by many threads.
#[derive(Debug, Clone)]
pub struct Engine {
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    root: PathBuf,
    store: SnapshotStore,
    cache: CacheDb,
    content: ContentStore,
    leases: LeaseDir,
    settings: Settings,
}

impl Engine {
    /// Opens or makes the state directory. One on a read-only file system can be looked at.
    ///
    /// # Errors
    ///
    /// When it can't be made, belongs to somebody else, or was written by a newer iechor.
    pub fn open(root: &Path, settings: Settings) -> Result<Self, BuildError> {
        let store = SnapshotStore::open(root)?;
        let root = fs::canonicalize(root)
            .map_err(|source| BuildError::io("cannot resolve", root, source))?;
        private_directory(&root.join("locks"))?;
        let state = State {
            cache: open_cache(&root)?,
            content: ContentStore::open(&root)?,
            leases: LeaseDir::open(&root.join(LEASES))?,
            store,
            root,
            settings,
        };
        Ok(Self {
            state: Arc::new(state),
        })
    }

    /// The state directory, absolute and without links.
    pub fn root(&self) -> &Path {
        &self.state.root
    }

    /// Snapshots and blobs.
    pub fn store(&self) -> &SnapshotStore {
        &self.state.store
    }

    /// The index.
    pub fn cache(&self) -> &CacheDb {
        &self.state.cache
    }

    /// Manifests, configurations and layers as they were pulled.
    pub fn content(&self) -> &ContentStore {
        &self.state.content
    }

    /// Leases on snapshots.
    pub fn leases(&self) -> &LeaseDir {
        &self.state.leases
    }

    /// Where user names and passwords of registries come from.
    pub fn credentials(&self) -> &Arc<dyn Credentials> {
        &self.state.settings.credentials
    }

    /// What the state directory was opened with.
    pub fn settings(&self) -> &Settings {
        &self.state.settings
    }
}

fn open_cache(root: &Path) -> Result<CacheDb, BuildError> {
    let (path, boot) = (root.join("cache.db"), boot_id()?);
    let stat = rustix::fs::statvfs(root)
        .map_err(|error| BuildError::io("cannot look at the file system of", root, error.into()))?;
    let opened = match stat.f_flag.contains(StatVfsMountFlags::RDONLY) {
        true => CacheDb::open_read_only(&path, boot),
        false => CacheDb::open(&path, boot),
    };
    Ok(opened?)
}

fn private_directory(path: &Path) -> Result<(), BuildError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| BuildError::io("cannot make directory", path, source))
}

fn boot_id() -> Result<BootId, BuildError> {
    let path = Path::new(BOOT_ID);
    let text =
        fs::read_to_string(path).map_err(|source| BuildError::io("cannot read", path, source))?;
    Ok(BootId(text.trim().to_owned()))
}
