//! What is compared: the files of a REF, or a directory of the host.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use iechor_snapshotter::tree::{Follow, Node};

use super::DiffError;
use super::host::HostFile;
use crate::files::{Facts, Files, FilesError};
use crate::reference::ReferenceError;
use crate::state::Engine;

/// One of the two trees.
#[derive(Debug)]
pub enum Side {
    /// An image, stage, step or snapshot.
    Files(Files),
    /// A directory of the host.
    Host(PathBuf),
}

impl Side {
    /// Opens what a text stands for: `dir:PATH` and paths that begin with `/` or `.` are directories
    /// of the host; anything else is a REF, or if there is none, a directory.
    ///
    /// # Errors
    ///
    /// [`DiffError::NotADirectory`]; [`DiffError::Files`].
    pub fn open(engine: &Engine, text: &str) -> Result<Self, DiffError> {
        if let Some(path) = text.strip_prefix("dir:") {
            return directory(path);
        }
        if text.starts_with(['/', '.']) {
            return directory(text);
        }
        match Files::open(engine, text) {
            Err(FilesError::Reference(ReferenceError::NotFound(_))) if Path::new(text).is_dir() => {
                directory(text)
            }
            opened => Ok(Self::Files(opened?)),
        }
    }

    pub(super) fn root(&self) -> Result<Item, DiffError> {
        Ok(match self {
            Self::Files(files) => Item::Node(files.tree().root()),
            // The directory itself may be named by a link.
            Self::Host(dir) => Item::Host(HostFile::at(dir.join("."))?),
        })
    }

    /// The entries of a directory, sorted by name as bytes; none for anything else.
    pub(super) fn children(&self, item: &Item) -> Result<Vec<(OsString, Item)>, DiffError> {
        Ok(match (self, item) {
            (Self::Files(files), Item::Node(node)) => {
                let entries = files.tree().read_dir(node).into_iter();
                entries
                    .map(|(name, node)| (name, Item::Node(node)))
                    .collect()
            }
            (_, Item::Host(file)) if file.is_dir() => {
                let entries = file.children()?.into_iter();
                entries
                    .map(|(name, file)| (name, Item::Host(file)))
                    .collect()
            }
            _ => Vec::new(),
        })
    }

    /// One entry of a directory of a snapshot.
    pub(super) fn child(&self, dir: &Path, name: &OsStr) -> Result<Option<Item>, DiffError> {
        match self {
            Self::Files(files) => {
                let found = files.tree().resolve(&dir.join(name), Follow::NotLast)?;
                Ok(found.map(Item::Node))
            }
            Self::Host(_) => Ok(None),
        }
    }
}

fn directory(path: &str) -> Result<Side, DiffError> {
    let path = PathBuf::from(path);
    if path.is_dir() {
        Ok(Side::Host(path))
    } else {
        Err(DiffError::NotADirectory(path))
    }
}

/// A file of a side.
#[derive(Debug)]
pub(super) enum Item {
    Node(Node),
    Host(HostFile),
}

impl Item {
    pub(super) fn is_dir(&self) -> bool {
        match self {
            Self::Node(node) => node.is_dir(),
            Self::Host(file) => file.is_dir(),
        }
    }

    pub(super) fn facts(&self) -> Result<Facts, DiffError> {
        Ok(match self {
            Self::Node(node) => Facts::of(node),
            Self::Host(file) => file.facts()?,
        })
    }

    /// Whether both are one inode of a layer, with nothing to compare.
    pub(super) fn is_inode(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Node(one), Self::Node(other)) if one.id() == other.id())
    }

    /// Completes the facts with what takes reading.
    pub(super) fn read_into(&self, facts: &mut Facts) -> Result<(), DiffError> {
        if let Self::Host(file) = self {
            facts.content = Some(file.digest()?);
        }
        Ok(())
    }
}
