//! Our side: a step on the overlay over our mount, and its commit.

use std::path::{Path, PathBuf};

use iechor_snapshotter::fuse::Sessions;
use iechor_snapshotter::mount::OverlayMount;
use iechor_snapshotter::{Chain, SnapshotStore};

use super::direct::observe_directly;
use super::ground::Report;
use super::observation::{Observation, observe, seen_through_overlay};

/// A store and the chain of the steps so far.
#[derive(Clone)]
pub(super) struct Ours {
    store: SnapshotStore,
    chain: Chain,
}

impl Ours {
    pub(super) fn new(store: SnapshotStore) -> Self {
        Self {
            store,
            chain: Chain::empty(),
        }
    }

    /// Runs a step and commits it; also gives what the chain then shows, through the kernel and
    /// asked directly.
    pub(super) fn step(
        &mut self,
        sessions: &Sessions,
        run: impl FnOnce(&Path) -> Report,
    ) -> (Report, [Observation; 2]) {
        let active = self.store.prepare(&self.chain).unwrap();
        let view = sessions.add_view(&self.chain, &[]).unwrap();
        let (upper, work, merged) = (active.upper(), active.work(), active.merged());
        let overlay = OverlayMount::new(view.path(), &upper, &work, &merged).unwrap();
        let report = run(overlay.path());
        overlay.unmount().unwrap();
        let added = view.added_paths();
        let added: Vec<_> = added.iter().map(PathBuf::as_path).collect();
        self.chain = active.commit(&added).unwrap();
        assert_eq!(sessions.faults(), 0);
        (report, self.committed(sessions))
    }

    fn committed(&self, sessions: &Sessions) -> [Observation; 2] {
        let view = sessions.add_view(&self.chain, &[]).unwrap();
        [
            observe(view.path()),
            observe_directly(&self.chain, self.store.blobs()),
        ]
        .map(seen_through_overlay)
    }
}
