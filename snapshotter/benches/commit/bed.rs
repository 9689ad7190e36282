//! The store, the chains and the steps that are measured.

use std::path::Path;
use std::time::{Duration, Instant};

use iechor_snapshotter::fuse::{FuseOptions, FuseSession, Sessions, View, Visibility};
use iechor_snapshotter::mount::OverlayMount;
use iechor_snapshotter::{
    ActiveSnapshot, Chain, LayerWriter, Metadata, MountPoint, NodeKind, SnapshotStore,
};
use tempfile::TempDir;

use crate::Result;

/// A store of its own.
pub(crate) struct Bed {
    sessions: Sessions,
    pub(crate) store: SnapshotStore,
    _dir: TempDir,
}

/// A session that goes with its directory.
pub(crate) type Held = (FuseSession, MountPoint);

impl Bed {
    pub(crate) fn new() -> Result<Self> {
        let place = std::env::var_os("IECHOR_BENCH_DIR").map(std::path::PathBuf::from);
        let place = place.unwrap_or_else(std::env::temp_dir);
        let dir = tempfile::Builder::new()
            .prefix("iechor-bench-")
            .tempdir_in(place)?;
        let store = SnapshotStore::open(&dir.path().join("store"))?;
        Ok(Self {
            sessions: Sessions::new(&store, FuseOptions::new(Visibility::Private)),
            store,
            _dir: dir,
        })
    }

    /// A layer of directories `0`, `1`, … with so many files each.
    pub(crate) fn tree(&self, dirs: usize, files: usize) -> Result<Chain> {
        let mut layer = self.store.new_layer(&Chain::empty())?;
        for dir in 0..dirs {
            self.fill(&mut layer, dir, files)?;
        }
        Ok(layer.commit()?)
    }

    /// So many layers, each of which adds a file to each of so many directories.
    pub(crate) fn long_chain(&self, layers: usize, dirs: usize) -> Result<Chain> {
        let mut chain = Chain::empty();
        for number in 0..layers {
            let mut layer = self.store.new_layer(&chain)?;
            for dir in 0..dirs {
                layer.put(
                    Path::new(&format!("{dir}/{number}")),
                    self.file()?,
                    Metadata::default(),
                )?;
            }
            chain = layer.commit()?;
        }
        Ok(chain)
    }

    fn fill(&self, layer: &mut LayerWriter, dir: usize, files: usize) -> Result<()> {
        for number in 0..files {
            let path = format!("{dir}/{number}");
            layer.put(Path::new(&path), self.file()?, Metadata::default())?;
        }
        Ok(())
    }

    fn file(&self) -> Result<NodeKind> {
        let contents = b"contents";
        Ok(NodeKind::Regular {
            blob: self.store.blobs().put(contents)?,
            size: contents.len() as u64,
        })
    }

    /// A chain on a session that nothing was read from yet.
    pub(crate) fn view(&self, chain: &Chain) -> Result<(View, Held)> {
        let at = self.store.mount_point()?;
        let options = FuseOptions::new(Visibility::Private);
        let session = FuseSession::start(self.store.blobs(), &at.path(), options)?;
        Ok((session.add_view(chain, &[])?, (session, at)))
    }
}

/// What the end of a step took.
pub(crate) struct Ended {
    pub(crate) commit: Duration,
    /// What went on behind the back of the commit and after it: the scratch directory goes.
    pub(crate) removal: Duration,
}

/// A step: an overlay on a chain.
pub(crate) struct Step {
    overlay: OverlayMount,
    view: View,
    active: ActiveSnapshot,
}

impl Step {
    pub(crate) fn on(bed: &Bed, chain: &Chain) -> Result<Self> {
        let view = bed.sessions.add_view(chain, &[])?;
        let active = bed.store.prepare(chain)?;
        let (upper, work, merged) = (active.upper(), active.work(), active.merged());
        Ok(Self {
            overlay: OverlayMount::new(view.path(), &upper, &work, &merged)?,
            view,
            active,
        })
    }

    pub(crate) fn root(&self) -> &Path {
        self.overlay.path()
    }

    /// Ends the step; gives the time that its commit took.
    pub(crate) fn commit(self) -> Result<Ended> {
        self.overlay.unmount()?;
        drop(self.view);
        let scratch = self.active.dir();
        let begun = Instant::now();
        self.active.commit(&[])?;
        let commit = begun.elapsed();
        while scratch.exists() {
            std::thread::sleep(Duration::from_micros(100));
        }
        let removal = begun.elapsed() - commit;
        Ok(Ended { commit, removal })
    }
}
