//! Views: chains as a session shows them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::ino::{Ino, Slot};
use super::layers::Layers;
use super::stubs::{StubIdx, Stubs, VirtualEntry};
use crate::chain::Chain;
use crate::merge::Place;
use crate::tree::TreeError;

/// Names a view of a session; never used twice. Prints as the name of its directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ViewId(u32);

impl ViewId {
    /// Reads the name of a view's directory; only the form that `Display` gives.
    pub(super) fn parse(name: &[u8]) -> Option<Self> {
        let id = Self(std::str::from_utf8(name).ok()?.parse().ok()?);
        (id.to_string().as_bytes() == name).then_some(id)
    }

    pub(super) fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for ViewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a chain cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// A virtual directory shall be where the chain has something else.
    #[error("{path} is not a directory", path = .0.display())]
    NotADirectory(PathBuf),
    /// A virtual file shall be where the chain, or another virtual entry, has a directory.
    #[error("{path} is a directory", path = .0.display())]
    IsADirectory(PathBuf),
    /// The path of a virtual entry leads nowhere.
    #[error(transparent)]
    Path(#[from] TreeError),
    /// The session has used up its 2^30 layers and directories of views.
    #[error("the session has no inode numbers left for another view")]
    Full,
    /// The file system was made for one chain.
    #[error("this file system shows a single chain")]
    SingleChain,
}

/// A chain and the virtual entries that this view adds.
#[derive(Debug)]
pub(super) struct View {
    pub(super) chain: Chain,
    pub(super) stubs: Stubs,
    /// Slots of the layers' files, base first.
    files: Box<[Slot]>,
    /// First slot of this view: one a layer for its directories, then one for virtual entries.
    own: Slot,
}

impl View {
    pub(super) fn new(
        chain: &Chain,
        stubs: &[VirtualEntry],
        layers: &Layers,
    ) -> Result<Self, ViewError> {
        let stubs = Stubs::place(chain, stubs)?;
        let files = layers.register(chain)?;
        let own = layers.reserve(files.len() + 1)?;
        Ok(Self {
            chain: chain.clone(),
            stubs,
            files,
            own,
        })
    }

    /// Number of a file: the same in all views.
    pub(super) fn file_ino(&self, place: Place) -> Ino {
        Ino::new(self.files[place.layer], place.inode.0)
    }

    /// Number of a directory whose metadata is at `place`.
    pub(super) fn dir_ino(&self, place: Place) -> Ino {
        Ino::new(self.own.plus(place.layer), place.inode.0)
    }

    /// Number of a virtual entry.
    pub(super) fn stub_ino(&self, stub: StubIdx) -> Ino {
        Ino::new(self.own.plus(self.files.len()), stub.0)
    }
}

/// The views that a session shows now.
#[derive(Debug, Default)]
pub(super) struct Views {
    last: AtomicU32,
    shown: RwLock<BTreeMap<ViewId, Arc<View>>>,
}

impl Views {
    pub(super) fn add(&self, view: Arc<View>) -> Result<ViewId, ViewError> {
        let number = self.last.fetch_add(1, Ordering::Relaxed).checked_add(1);
        let id = ViewId(number.ok_or(ViewError::Full)?);
        self.shown
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, view);
        Ok(id)
    }

    pub(super) fn remove(&self, id: ViewId) {
        self.shown
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
    }

    pub(super) fn get(&self, id: ViewId) -> Option<Arc<View>> {
        self.shown
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned()
    }

    /// The views from a number on, in order.
    pub(super) fn from(&self, first: u32) -> Vec<(ViewId, Arc<View>)> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        shown
            .range(ViewId(first)..)
            .map(|(id, view)| (*id, Arc::clone(view)))
            .collect()
    }
}
