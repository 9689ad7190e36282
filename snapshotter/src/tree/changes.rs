//! What one layer changes, told as an archive of the OCI image specification tells it.

use std::ffi::OsStr;
use std::iter::FusedIterator;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::vec;

use super::node::Node;
use crate::chain::Chain;
use crate::index::Below;
use crate::layer::Metadata;
use crate::merge::{self, Merged, MergedDir};

/// One change of a layer. Paths are relative to the root and free of links.
///
/// The OCI image specification (layer.md, "Representing Changes") has no word for a moved
/// directory: it comes as a whiteout of the old path and everything that is under the new one.
#[derive(Debug, Clone)]
pub enum Change {
    /// The node is new at this path, or replaces what was there. Directories keep what is in them,
    /// unless a [`Change::Opaque`] follows.
    Node(Node),
    /// What was at this path is gone.
    Whiteout(PathBuf),
    /// The directory at this path keeps nothing of what was in it. Follows its node directly.
    Opaque(PathBuf),
}

impl Change {
    /// The path that changes.
    pub fn path(&self) -> &Path {
        match self {
            Self::Node(node) => node.path(),
            Self::Whiteout(path) | Self::Opaque(path) => path,
        }
    }
}

/// Iterator over the changes of a layer: depth first, names sorted as bytes, a directory before
/// what is in it.
///
/// The root itself comes only when its mode, owner or attributes differ from those below: its time
/// changes with nearly every layer and is not worth an entry.
#[derive(Debug)]
pub struct Changes {
    chain: Chain,
    below: Chain,
    /// Directories under way, innermost last.
    open: Vec<Listing>,
    /// Changes that are due before the next name.
    due: vec::IntoIter<Change>,
}

impl Changes {
    pub(super) fn of_top_layer(chain: &Chain) -> Self {
        let below = chain.below(1);
        let mut changes = Self {
            chain: chain.clone(),
            below,
            open: Vec::new(),
            due: Vec::new().into_iter(),
        };
        if !chain.layers().is_empty() {
            changes.start();
        }
        changes
    }

    fn start(&mut self) {
        let root =
            |chain: &Chain| Node::new(chain, Merged::Dir(merge::root(chain)), PathBuf::new());
        let (node, node_below) = (root(&self.chain), root(&self.below));
        if timeless(&node) == timeless(&node_below) {
            self.enter(node, Part::Changed);
        } else {
            self.emit(node, Part::Changed);
        }
    }

    /// Makes a node due, and what follows from it.
    fn emit(&mut self, node: Node, part: Part) {
        let mut due = vec![Change::Node(node.clone())];
        if node.is_dir() {
            let part = self.enter(node.clone(), part);
            if part.hides_below && self.is_dir_below(node.path()) {
                due.push(Change::Opaque(node.path().to_owned()));
            }
        }
        self.due = due.into_iter();
    }

    /// Starts listing a directory.
    fn enter(&mut self, node: Node, part: Part) -> Joined {
        let joined = match part {
            Part::Changed => self.joined(&node),
            Part::Everything => Joined {
                part,
                hides_below: false,
            },
        };
        self.open
            .extend(Listing::of(&self.chain, &node, joined.part));
        joined
    }

    /// What of a directory of the topmost layer is told, by how it joins with what is below.
    fn joined(&self, node: &Node) -> Joined {
        let place = node.as_dir().and_then(MergedDir::top);
        let below = place.map(|place| place.index(&self.chain).below(place.inode));
        match below {
            Some(Below::MovedFrom(_)) => Joined {
                part: Part::Everything,
                hides_below: true,
            },
            Some(Below::Nothing) => Joined {
                part: Part::Changed,
                hides_below: true,
            },
            Some(Below::SamePath) | None => Joined {
                part: Part::Changed,
                hides_below: false,
            },
        }
    }

    fn is_dir_below(&self, path: &Path) -> bool {
        let found = merge::lookup_path(merge::root(&self.below), path.as_os_str().as_bytes());
        matches!(found, Some(Merged::Dir(_)))
    }

    /// Makes the next name of the innermost directory due; none when all are done.
    fn advance(&mut self) -> Option<()> {
        let listing = self.open.last_mut()?;
        let part = listing.part;
        match listing.next() {
            Some(Named::Node(node)) => self.emit(node, part),
            Some(Named::Whiteout(path)) => self.due = vec![Change::Whiteout(path)].into_iter(),
            None => drop(self.open.pop()),
        }
        Some(())
    }
}

impl Iterator for Changes {
    type Item = Change;

    fn next(&mut self) -> Option<Change> {
        loop {
            if let Some(change) = self.due.next() {
                return Some(change);
            }
            self.advance()?;
        }
    }
}

impl FusedIterator for Changes {}

/// Which entries of a directory are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Those that the topmost layer has.
    Changed,
    /// All that show: the directory was moved here.
    Everything,
}

/// What a directory's join with what is below means for an archive.
struct Joined {
    part: Part,
    hides_below: bool,
}

/// What the next name of a listing is.
enum Named {
    Node(Node),
    Whiteout(PathBuf),
}

/// A directory under way.
#[derive(Debug)]
struct Listing {
    chain: Chain,
    dir: MergedDir,
    path: PathBuf,
    part: Part,
    names: vec::IntoIter<Box<[u8]>>,
}

impl Listing {
    /// None when the node is no directory.
    fn of(chain: &Chain, node: &Node, part: Part) -> Option<Self> {
        let dir = node.as_dir()?.clone();
        let names: Vec<Box<[u8]>> = match part {
            Part::Changed => changed_names(chain, &dir),
            Part::Everything => merge::entries(&dir)
                .into_iter()
                .map(|(name, _)| name.into())
                .collect(),
        };
        let path = node.path().to_owned();
        Some(Self {
            chain: chain.clone(),
            dir,
            path,
            part,
            names: names.into_iter(),
        })
    }

    fn next(&mut self) -> Option<Named> {
        let name = self.names.next()?;
        let path = self.path.join(OsStr::from_bytes(&name));
        Some(match merge::lookup(&self.dir, &name) {
            Some(found) => Named::Node(Node::new(&self.chain, found, path)),
            None => Named::Whiteout(path),
        })
    }
}

/// The names that the topmost layer has in a directory, whiteouts among them.
fn changed_names(chain: &Chain, dir: &MergedDir) -> Vec<Box<[u8]>> {
    let Some(place) = dir.top() else {
        return Vec::new();
    };
    let entries = place.index(chain).entries(place.inode);
    entries.map(|(name, _)| name.into()).collect()
}

/// Metadata but for the time.
fn timeless(node: &Node) -> Metadata {
    Metadata {
        mtime: Default::default(),
        ..node.metadata()
    }
}
