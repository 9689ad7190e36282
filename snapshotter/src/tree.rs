//! A chain as one tree of paths, read without a mount.
//!
//! What a step finds in files of its own image is read here: sources of `COPY --from`, wildcards,
//! `/etc/passwd`, the directory that `WORKDIR` names. No path of an image ever reaches the host's
//! file system: links are followed inside the tree, as if it were the root.
//!
//! [`Tree::changes`] gives what the topmost layer alone changes, as an OCI layer archive tells it.

mod changes;
mod node;
mod walk;

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use crate::blob::BlobStore;
use crate::chain::Chain;
use crate::layer::NodeKind;
use crate::merge::{self, Merged};
use crate::store::StoreError;
pub use changes::{Change, Changes};
pub use node::{Node, NodeId};
use walk::Walk;

/// Whether a symbolic link at the end of a path is followed; those before the end always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// The path means what the link points to.
    Last,
    /// The path means the link itself.
    NotLast,
}

/// Why something could not be read from a chain.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// Symbolic links lead in a circle, or too far (the kernel's limit, `path_resolution(7)`).
    #[error("{path} leads through more than {} symbolic links", walk::LINKS_MAX, path = .0.display())]
    TooManyLinks(PathBuf),
    /// The contents of something were asked for that has none.
    #[error("{path} is not a regular file", path = .0.display())]
    NotRegular(PathBuf),
    /// The file is longer than the caller is willing to read.
    #[error("{path} has {size} bytes, more than {limit}", path = .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file's contents are not in the store.
    #[error("cannot open the contents of {path}", path = .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the store says.
        source: StoreError,
    },
    /// The file's contents cannot be read.
    #[error("cannot read the contents of {path}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the kernel says.
        source: std::io::Error,
    },
}

/// The merged, read-only tree of a chain. Cheap to make and to clone; reads nothing beforehand.
#[derive(Debug, Clone)]
pub struct Tree {
    chain: Chain,
    blobs: BlobStore,
}

impl Tree {
    /// The tree that a chain shows; contents come from `blobs`.
    pub fn new(chain: &Chain, blobs: &BlobStore) -> Self {
        Self {
            chain: chain.clone(),
            blobs: blobs.clone(),
        }
    }

    /// The chain that this tree shows.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The root directory.
    pub fn root(&self) -> Node {
        Node::new(
            &self.chain,
            Merged::Dir(merge::root(&self.chain)),
            PathBuf::new(),
        )
    }

    /// What is at `path`, as chroot would find it: absolute links and `..` stay inside the tree.
    ///
    /// None when a component is missing, or is passed through and no directory.
    ///
    /// # Errors
    ///
    /// [`TreeError::TooManyLinks`] alone.
    pub fn resolve(&self, path: &Path, follow: Follow) -> Result<Option<Node>, TreeError> {
        let walk = Walk::along(&self.chain, path, follow)?;
        let (path, found) = walk.finish();
        Ok(found.map(|found| Node::new(&self.chain, found, path)))
    }

    /// The path without links that `path` leads to, relative to the root, whether or not anything
    /// is there: from the first missing component on, names stand as they were written.
    ///
    /// # Errors
    ///
    /// [`TreeError::TooManyLinks`] alone.
    pub fn real_path(&self, path: &Path) -> Result<PathBuf, TreeError> {
        real_path(&self.chain, path)
    }

    /// The entries of a directory, sorted by name as bytes; none for anything else.
    pub fn read_dir(&self, dir: &Node) -> Vec<(OsString, Node)> {
        let Some(merged) = dir.as_dir() else {
            return Vec::new();
        };
        let entries = merge::entries(merged).into_iter();
        entries
            .filter_map(|(name, place)| {
                let found = match place.is_directory(&self.chain) {
                    true => merge::lookup(merged, name)?,
                    false => Merged::File(place),
                };
                let name = OsString::from_vec(name.to_vec());
                let node = Node::new(&self.chain, found, dir.path().join(&name));
                Some((name, node))
            })
            .collect()
    }

    /// The contents of a regular file, open for reading at offset 0.
    ///
    /// # Errors
    ///
    /// [`TreeError::NotRegular`]; [`TreeError::Open`] when the store has lost them.
    pub fn open(&self, node: &Node) -> Result<File, TreeError> {
        let NodeKind::Regular { blob, .. } = node.kind() else {
            return Err(TreeError::NotRegular(node.path().to_owned()));
        };
        self.blobs.open(&blob).map_err(|source| TreeError::Open {
            path: node.path().to_owned(),
            source,
        })
    }

    /// The contents of the regular file that `path` leads to; none when nothing is there.
    ///
    /// # Errors
    ///
    /// As [`Tree::resolve`] and [`Tree::open`]; [`TreeError::TooLarge`] beyond `limit` bytes.
    pub fn read(&self, path: &Path, limit: u64) -> Result<Option<Vec<u8>>, TreeError> {
        let Some(node) = self.resolve(path, Follow::Last)? else {
            return Ok(None);
        };
        let size = node.stat().size;
        if size > limit {
            return Err(TreeError::TooLarge {
                path: node.path().to_owned(),
                size,
                limit,
            });
        }
        let mut contents = Vec::new();
        self.open(&node)?
            .take(limit)
            .read_to_end(&mut contents)
            .map_err(|source| TreeError::Read {
                path: node.path().to_owned(),
                source,
            })?;
        Ok(Some(contents))
    }

    /// What the topmost layer of the chain changes in the chain below it, sorted by path.
    pub fn changes(&self) -> Changes {
        Changes::of_top_layer(&self.chain)
    }
}

/// As [`Tree::real_path`], without a store.
pub(crate) fn real_path(chain: &Chain, path: &Path) -> Result<PathBuf, TreeError> {
    Ok(Walk::along(chain, path, Follow::Last)?.finish().0)
}
