//! The files of a REF, read from the layer indexes: `iechor ls`, `cat`, `cp`.
//!
//! Nothing is mounted and nothing unpacked. Links are followed inside the tree, as if it were the
//! root, so that no path of an image reaches the host's files.

mod entry;
mod error;
mod location;

use std::fs::File;
use std::path::{Path, PathBuf};

use iechor_cachedb::Lease;
use iechor_image::layer::write_node;
use iechor_snapshotter::tree::{Follow, Node, Tree};
use iechor_snapshotter::{NodeKind, SnapshotId};

pub(crate) use self::entry::path as serialize_path;
pub use self::entry::{Entry, Facts, FileType};
pub use self::error::FilesError;
pub use self::location::{Location, locate, locate_path};
use crate::reference::{self, ReferenceError, Selector};
use crate::state::Engine;

/// The files of a REF. They are not pruned as long as this lives.
#[derive(Debug)]
pub struct Files {
    title: String,
    tree: Tree,
    _lease: Option<Lease>,
}

/// How far a listing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// What is in the directory.
    #[default]
    One,
    /// Everything below it (`-R`).
    All,
}

impl Files {
    /// Opens what a REF stands for.
    ///
    /// # Errors
    ///
    /// [`FilesError::Reference`]; [`FilesError::Lease`].
    pub fn open(engine: &Engine, reference: &str) -> Result<Self, FilesError> {
        let found = reference::find(engine, &Selector::Named(reference.to_owned()))?;
        Self::of_snapshot(engine, &found.title, found.tip)
    }

    /// Opens a snapshot; none is an empty tree. Messages call it `title`.
    pub(crate) fn of_snapshot(
        engine: &Engine,
        title: &str,
        tip: Option<SnapshotId>,
    ) -> Result<Self, FilesError> {
        // The lease first: what it keeps cannot be pruned while the chain is opened.
        let lease = tip.map(|tip| engine.leases().take(tip)).transpose()?;
        let chain = tip.map(|tip| engine.store().chain(tip)).transpose();
        let chain = chain.map_err(|source| ReferenceError::Gone {
            title: title.to_owned(),
            source,
        })?;
        Ok(Self {
            title: title.to_owned(),
            tree: Tree::new(&chain.unwrap_or_default(), engine.store().blobs()),
            _lease: lease,
        })
    }

    /// What they are the files of: `image app`.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The merged tree.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(crate) fn node(&self, path: &Path, follow: Follow) -> Result<Node, FilesError> {
        let found = self.tree.resolve(path, follow)?;
        found.ok_or_else(|| FilesError::NotFound {
            path: absolute(path),
            title: self.title.clone(),
        })
    }
}

/// The entry at a location, or for a directory what is in it, sorted by path as bytes.
///
/// A link is listed as such, unless the path ends in a slash.
///
/// # Errors
///
/// [`FilesError::NotFound`]; [`FilesError::Tree`].
pub fn list(location: &Location, depth: Depth) -> Result<Vec<Entry>, FilesError> {
    let Location { files, path } = location;
    let node = files.node(path, Follow::NotLast)?;
    if !node.is_dir() {
        return Ok(vec![Entry::of(&node)]);
    }
    let mut entries = Vec::new();
    list_into(&files.tree, &node, depth, &mut entries);
    Ok(entries)
}

fn list_into(tree: &Tree, dir: &Node, depth: Depth, entries: &mut Vec<Entry>) {
    for (_, node) in tree.read_dir(dir) {
        entries.push(Entry::of(&node));
        if depth == Depth::All {
            list_into(tree, &node, depth, entries);
        }
    }
}

/// The contents of the regular file at a location, links followed.
///
/// # Errors
///
/// [`FilesError::NotFound`]; [`FilesError::Directory`] and [`FilesError::NotRegular`] for what has
/// no contents; [`FilesError::Tree`].
pub fn read(location: &Location) -> Result<File, FilesError> {
    let Location { files, path } = location;
    let node = files.node(path, Follow::Last)?;
    match node.kind() {
        NodeKind::Regular { .. } => Ok(files.tree.open(&node)?),
        NodeKind::Directory => Err(FilesError::Directory(absolute(path))),
        _ => Err(FilesError::NotRegular(absolute(path))),
    }
}

/// Copies what is at a location to the host, a directory with everything in it; gives the path that
/// it got: `dest`, or a name in it when that is a directory.
///
/// Nothing is overwritten, and no link is followed in what is written. A link is copied as a link,
/// unless the path ends in a slash. Owners are kept if we may set them.
///
/// # Errors
///
/// [`FilesError::NotFound`]; [`FilesError::Write`] when the path exists already, or cannot be
/// written. What could not be copied whole leaves nothing behind.
pub fn copy(location: &Location, dest: &Path) -> Result<PathBuf, FilesError> {
    let Location { files, path } = location;
    let node = files.node(path, Follow::NotLast)?;
    let target = match node.path().file_name() {
        Some(name) if dest.is_dir() => dest.join(name),
        _ => dest.to_owned(),
    };
    write_node(&files.tree, &node, &target)?;
    Ok(target)
}

/// A path of a tree as people write it.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    Path::new("/").join(path)
}
