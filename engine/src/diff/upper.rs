//! Which names of a directory two chains can show differently.
//!
//! Chains that begin with the same layers can differ only where one of the other layers has an
//! entry. So both are walked along the directories of those layers, and everything else is passed
//! by unseen.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use iechor_snapshotter::index::{Below, Entry, InodeIdx};
use iechor_snapshotter::{Chain, LayerIndex};

/// The directories of one path in the layers that a chain has for itself, topmost first, where the
/// common layers show through at the same path.
#[derive(Debug, Clone, Default)]
struct Upper<'a> {
    dirs: Vec<(&'a LayerIndex, InodeIdx)>,
}

/// The same of both chains.
#[derive(Debug, Clone)]
pub(super) struct Uppers<'a> {
    before: Upper<'a>,
    after: Upper<'a>,
}

impl<'a> Uppers<'a> {
    /// Of the roots; none when the chains have no layer in common, or hide them.
    pub(super) fn of_roots(before: &'a Chain, after: &'a Chain) -> Option<Self> {
        let common = common_layers(before, after);
        if common == 0 {
            return None;
        }
        Some(Self {
            before: Upper::of_root(before, common)?,
            after: Upper::of_root(after, common)?,
        })
    }

    /// Of a directory in this one; none when one chain shows there what is not at the same path in
    /// the common layers.
    pub(super) fn enter(&self, name: &[u8]) -> Option<Self> {
        Some(Self {
            before: self.before.enter(name)?,
            after: self.after.enter(name)?,
        })
    }

    /// The names that may differ, sorted as bytes.
    pub(super) fn names(&self) -> Vec<OsString> {
        let dirs = self.before.dirs.iter().chain(&self.after.dirs);
        let names: BTreeSet<&[u8]> = dirs
            .flat_map(|(index, dir)| index.entries(*dir).map(|(name, _)| name))
            .collect();
        let names = names.into_iter();
        names
            .map(|name| OsString::from_vec(name.to_vec()))
            .collect()
    }
}

impl<'a> Upper<'a> {
    fn of_root(chain: &'a Chain, common: usize) -> Option<Self> {
        let own = chain.layers().iter().skip(common).rev();
        let mut upper = Self::default();
        for layer in own {
            upper.push(layer.index(), LayerIndex::ROOT)?;
        }
        Some(upper)
    }

    fn enter(&self, name: &[u8]) -> Option<Self> {
        let mut inside = Self::default();
        for (index, dir) in &self.dirs {
            match index.find(*dir, name) {
                None => {}
                Some(Entry::Inode(inode)) if index.is_directory(inode) => {
                    inside.push(index, inode)?;
                }
                Some(_) => return None,
            }
        }
        Some(inside)
    }

    /// Adds a directory; none when it hides what is below at its path.
    fn push(&mut self, index: &'a LayerIndex, dir: InodeIdx) -> Option<()> {
        self.dirs.push((index, dir));
        (index.below(dir) == Below::SamePath).then_some(())
    }
}

fn common_layers(before: &Chain, after: &Chain) -> usize {
    let pairs = before.layers().iter().zip(after.layers());
    pairs
        .take_while(|(one, other)| one.id() == other.id())
        .count()
}
