//! The rules by which the layers of a chain make one tree.
//!
//! A merged directory is a stack of directories, topmost first. A name is looked up from the top:
//! a whiteout ends the search, so does an inode that is no directory; a directory joins the stack
//! and says how the search goes on: at the same path, nowhere (opaque), or from another path of the
//! chain below its layer (moved). These are the rules of the kernel's overlayfs.

mod origins;
#[cfg(test)]
mod tests;

pub(crate) use self::origins::Origins;
use crate::chain::Chain;
use crate::index::{Below, Entry, InodeIdx, LayerIndex};

/// An inode of a chain: the layer's place in it, counted from the base, and the inode there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) layer: usize,
    pub(crate) inode: InodeIdx,
}

impl Place {
    /// The index that has the inode.
    pub(crate) fn index(self, chain: &Chain) -> &LayerIndex {
        chain.layers()[self.layer].index()
    }

    /// Whether the inode is a directory.
    pub(crate) fn is_directory(self, chain: &Chain) -> bool {
        self.index(chain).is_directory(self.inode)
    }
}

/// A directory as the chain shows it: those of its layers that merge, topmost first.
///
/// Empty only for the root of the empty chain. Metadata and attributes are those of [`Self::top`].
#[derive(Debug, Clone)]
pub(crate) struct MergedDir {
    chain: Chain,
    stack: Box<[Place]>,
}

/// What a path of a chain leads to.
#[derive(Debug, Clone)]
pub(crate) enum Merged {
    Dir(MergedDir),
    /// Anything but a directory.
    File(Place),
}

impl MergedDir {
    /// The directories that merge, topmost first.
    pub(crate) fn stack(&self) -> &[Place] {
        &self.stack
    }

    /// The directory whose metadata shows.
    pub(crate) fn top(&self) -> Option<Place> {
        self.stack.first().copied()
    }
}

impl Merged {
    /// The inode whose metadata shows; none for the root of the empty chain.
    pub(crate) fn top(&self) -> Option<Place> {
        match self {
            Self::Dir(dir) => dir.top(),
            Self::File(place) => Some(*place),
        }
    }
}

/// The root of a chain.
pub(crate) fn root(chain: &Chain) -> MergedDir {
    root_below(chain, chain.layers().len())
}

/// What `name` stands for in a directory; none when nothing shows there.
pub(crate) fn lookup(dir: &MergedDir, name: &[u8]) -> Option<Merged> {
    let mut stack = Vec::new();
    for place in &dir.stack {
        let inode = match place.index(&dir.chain).find(place.inode, name) {
            None => continue,
            Some(Entry::Whiteout) => break,
            Some(Entry::Inode(inode)) => inode,
        };
        let found = Place {
            layer: place.layer,
            inode,
        };
        if !found.is_directory(&dir.chain) {
            if stack.is_empty() {
                return Some(Merged::File(found));
            }
            break;
        }
        if push(&dir.chain, &mut stack, found) == Search::Ends {
            break;
        }
    }
    (!stack.is_empty()).then(|| {
        Merged::Dir(MergedDir {
            chain: dir.chain.clone(),
            stack: stack.into(),
        })
    })
}

/// What an absolute or relative path without links, `.` and `..` leads to.
pub(crate) fn lookup_path(root: MergedDir, path: &[u8]) -> Option<Merged> {
    let mut found = Merged::Dir(root);
    for name in path
        .split(|byte| *byte == b'/')
        .filter(|name| !name.is_empty())
    {
        let Merged::Dir(dir) = found else { return None };
        found = lookup(&dir, name)?;
    }
    Some(found)
}

/// The names that show in a directory, sorted as bytes, each with the inode whose metadata shows.
///
/// That inode is enough for everything but descending into a directory: use [`lookup`] for that.
pub(crate) fn entries(dir: &MergedDir) -> Vec<(&[u8], Place)> {
    let mut all: Vec<_> = dir
        .stack
        .iter()
        .flat_map(|place| layer_entries(dir, *place))
        .collect();
    if dir.stack.len() > 1 {
        // Stable, so that of equal names the topmost comes first; fast, for the runs are sorted.
        all.sort_by_key(|(name, _)| *name);
        all.dedup_by_key(|(name, _)| *name);
    }
    all.into_iter()
        .filter_map(|(name, place)| Some((name, place?)))
        .collect()
}

/// The names that one layer of a directory has; none stands for a whiteout.
fn layer_entries(dir: &MergedDir, place: Place) -> impl Iterator<Item = (&[u8], Option<Place>)> {
    place
        .index(&dir.chain)
        .entries(place.inode)
        .map(move |(name, entry)| match entry {
            Entry::Whiteout => (name, None),
            Entry::Inode(inode) => (
                name,
                Some(Place {
                    layer: place.layer,
                    inode,
                }),
            ),
        })
}

/// Whether layers below have a say in a directory.
#[derive(PartialEq, Eq)]
enum Search {
    GoesOn,
    Ends,
}

/// Puts a directory under those of a stack, and with it what it was moved from.
fn push(chain: &Chain, stack: &mut Vec<Place>, found: Place) -> Search {
    stack.push(found);
    match found.index(chain).below(found.inode) {
        Below::SamePath => Search::GoesOn,
        Below::Nothing => Search::Ends,
        Below::MovedFrom(path) => {
            let origin = || origin(chain, found.layer, path);
            stack.extend(chain.origins().of(found, origin).iter());
            Search::Ends
        }
    }
}

/// What a directory of a layer merges with that was moved from a path of the chain below.
fn origin(chain: &Chain, layer: usize, path: &[u8]) -> Box<[Place]> {
    match lookup_path(root_below(chain, layer), path) {
        Some(Merged::Dir(origin)) => origin.stack,
        _ => Box::default(),
    }
}

/// The root that the lowest `count` layers of a chain make.
fn root_below(chain: &Chain, count: usize) -> MergedDir {
    let mut stack = Vec::new();
    for layer in (0..count).rev() {
        let root = Place {
            layer,
            inode: LayerIndex::ROOT,
        };
        if push(chain, &mut stack, root) == Search::Ends {
            break;
        }
    }
    MergedDir {
        chain: chain.clone(),
        stack: stack.into(),
    }
}
