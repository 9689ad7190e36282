//! What the kernel knows by number and cannot be found by arithmetic.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::attr::{Attr, FileKind};
use super::directory::Directory;
use super::ino::Ino;
use super::stubs::StubIdx;
use super::views::View;

/// A directory, or a virtual file.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Directory(Arc<Directory>),
    Stub(Arc<View>, StubIdx),
}

impl Node {
    pub(super) fn attr(&self) -> Attr {
        match self {
            Self::Directory(directory) => directory.attr(),
            Self::Stub(view, stub) => Attr::bare(view.stub_ino(*stub), FileKind::Regular),
        }
    }
}

/// Nodes by number, each with how often the kernel was told of it. What it was told of n times and
/// forgot n times is dropped; if it is looked up again it has the same number.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    known: Mutex<HashMap<Ino, Known>>,
}

#[derive(Debug)]
struct Known {
    node: Node,
    lookups: u64,
}

impl Nodes {
    pub(super) fn get(&self, ino: Ino) -> Option<Node> {
        self.lock().get(&ino).map(|known| known.node.clone())
    }

    /// Counts one lookup of a node.
    pub(super) fn remember(&self, ino: Ino, node: Node) {
        let mut nodes = self.lock();
        nodes
            .entry(ino)
            .or_insert(Known { node, lookups: 0 })
            .lookups += 1;
    }

    /// Takes back `lookups` of them.
    pub(super) fn forget(&self, ino: Ino, lookups: u64) {
        let mut nodes = self.lock();
        if let Some(known) = nodes.get_mut(&ino) {
            known.lookups = known.lookups.saturating_sub(lookups);
            if known.lookups == 0 {
                nodes.remove(&ino);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Ino, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
