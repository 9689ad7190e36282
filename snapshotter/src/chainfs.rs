//! Chains as a read-only file system by inode numbers: what the kernel asks through FUSE, as plain
//! methods without a FUSE type, one file an operation.
//!
//! ```text
//!  / ── 1 ── …     a session shows *views* by number; a view is a chain
//!    ── 2 ── …     plus virtual entries: mount points that no layer has
//! ```
//!
//! or, for a mount of a single chain, the root is the chain's.
//!
//! # Inode numbers
//!
//! An inode number is a *slot* and an index in it (see the module `ino`). Each layer of the session
//! has a slot: a file is (slot of its layer, inode in the layer's index), whatever view shows it,
//! so that the kernel keeps its pages from one step to the next. Directories merge differently in
//! each view, so each view has slots of its own for them. A number is computed, never handed out:
//! it is the same each time for the life of the session.
//!
//! # Memory
//!
//! Files need none: number, metadata and contents are found by arithmetic. Directories that the
//! kernel knows are kept until it forgets them; sorted listings and open blobs are bounded caches.
//!
//! # Invariants
//!
//! * What a number stands for never changes.
//! * No operation panics, blocks on anything but the blob store, or opens a path.
//! * A fault of the store is `EIO` for the request that met it, and is counted: see [`Faults`].

mod ahead;
mod attr;
mod blobs;
mod directory;
mod error;
mod faults;
mod forget;
mod getattr;
mod getxattr;
mod ino;
mod layers;
mod listing;
mod listxattr;
mod lookup;
mod lseek;
mod nodes;
mod read;
mod readdir;
mod readdirplus;
mod readlink;
mod statfs;
mod stubs;
mod views;

use std::path::PathBuf;
use std::sync::Arc;

use crate::blob::BlobStore;
use crate::chain::Chain;
pub use ahead::Ahead;
use ahead::Streams;
pub use attr::{Attr, FileKind};
use blobs::BlobFiles;
use directory::Directory;
pub use error::FsError;
pub use faults::Faults;
pub use ino::Ino;
use layers::Layers;
use listing::Listings;
pub use lseek::Seek;
use nodes::{Node, Nodes};
pub use readdir::{DirEntry, Sink};
pub use readdirplus::DirEntryPlus;
pub use statfs::Totals;
pub use stubs::{VirtualEntry, VirtualKind};
use views::{View, Views};
pub use views::{ViewError, ViewId};

/// The file system. Every method may be called by many threads at once.
#[derive(Debug)]
pub struct ChainFs {
    root: Root,
    layers: Layers,
    nodes: Nodes,
    listings: Listings,
    blobs: BlobFiles,
    streams: Streams,
    faults: Faults,
}

/// What the root directory is.
#[derive(Debug)]
enum Root {
    /// The list of views.
    Views(Views),
    /// The root of a chain.
    Chain(Arc<Directory>),
}

impl ChainFs {
    /// A file system of views: empty, until some are added.
    pub fn of_views(blobs: &BlobStore) -> Self {
        Self::new(Root::Views(Views::default()), Layers::default(), blobs)
    }

    /// A file system whose root is that of a chain.
    ///
    /// # Errors
    ///
    /// [`ViewError::Full`] for a chain that is too long to number.
    pub fn of_chain(chain: &Chain, blobs: &BlobStore) -> Result<Self, ViewError> {
        let layers = Layers::default();
        let view = View::new(chain, &[], &layers)?;
        let root = Directory::root(Arc::new(view), Ino::ROOT);
        Ok(Self::new(Root::Chain(Arc::new(root)), layers, blobs))
    }

    fn new(root: Root, layers: Layers, blobs: &BlobStore) -> Self {
        Self {
            root,
            layers,
            nodes: Nodes::default(),
            listings: Listings::default(),
            blobs: BlobFiles::new(blobs),
            streams: Streams::default(),
            faults: Faults::default(),
        }
    }

    /// Adds a view of a chain under a number that was never used before.
    ///
    /// # Errors
    ///
    /// [`ViewError`] when a virtual entry has no place in the chain.
    pub fn add_view(&self, chain: &Chain, stubs: &[VirtualEntry]) -> Result<ViewId, ViewError> {
        let Root::Views(views) = &self.root else {
            return Err(ViewError::SingleChain);
        };
        let view = View::new(chain, stubs, &self.layers)?;
        views.add(Arc::new(view))
    }

    /// Takes a view away: its name is gone; what the kernel still knows of it stays readable.
    pub fn remove_view(&self, id: ViewId) {
        if let Root::Views(views) = &self.root {
            views.remove(id);
        }
    }

    /// The paths that the virtual entries of a view add to its chain, from the root and without
    /// links, parents first; none for a view that is gone.
    pub fn added_paths(&self, id: ViewId) -> Vec<PathBuf> {
        let view = match &self.root {
            Root::Views(views) => views.get(id),
            Root::Chain(_) => None,
        };
        view.map_or_else(Vec::new, |view| view.stubs.added(&view.chain))
    }

    /// What went wrong so far.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The directory with this number.
    fn directory(&self, ino: Ino) -> Result<Arc<Directory>, FsError> {
        match self.node(ino)? {
            Node::Directory(directory) => Ok(directory),
            Node::Stub(..) => Err(FsError::NotADirectory),
        }
    }

    /// The node with this number, for those that are kept: directories and virtual files.
    fn node(&self, ino: Ino) -> Result<Node, FsError> {
        match &self.root {
            Root::Chain(root) if ino == Ino::ROOT => Ok(Node::Directory(Arc::clone(root))),
            _ if self.layers.has(ino.slot()) => Err(FsError::NotADirectory),
            _ => self.nodes.get(ino).ok_or(FsError::Stale),
        }
    }

    /// The list of views, if that is what the number stands for.
    fn views(&self, ino: Ino) -> Option<&Views> {
        match &self.root {
            Root::Views(views) if ino == Ino::ROOT => Some(views),
            _ => None,
        }
    }
}
