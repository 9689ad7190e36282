//! Takes what changes nothing out of a draft, so that equal changes give equal layers.

use super::draft::{Draft, Join, NodeIdx, Slot};
use super::overlaid::{Overlaid, Seen, SeenDir, SeenLeaf, bare_root, lookup_below, metadata_of};
use crate::chain::Chain;
use crate::merge::{Merged, MergedDir};

/// Removes what was copied up and is as it was below.
pub(crate) fn prune(draft: &mut Draft, chain: &Chain) {
    for (parent, name) in Comparison::of(Overlaid { draft, chain }).unchanged() {
        draft.unset(parent, &name);
    }
}

/// Whether a draft changes nothing of what lies below.
pub(crate) fn changes_nothing(overlaid: Overlaid<'_>) -> bool {
    Comparison::of(overlaid).is_same_dir(&overlaid.root())
}

/// Compares a draft with what lies below.
struct Comparison<'a> {
    overlaid: Overlaid<'a>,
    /// How many names each node has.
    n_names: Vec<u32>,
}

impl<'a> Comparison<'a> {
    fn of(overlaid: Overlaid<'a>) -> Self {
        Self {
            overlaid,
            n_names: overlaid.draft.count_names(),
        }
    }

    /// The topmost entries that change nothing: directory of the draft and name.
    fn unchanged(&self) -> Vec<(NodeIdx, Box<[u8]>)> {
        let mut unchanged = Vec::new();
        self.collect(&self.overlaid.root(), &mut unchanged);
        unchanged
    }

    fn collect(&self, dir: &SeenDir, unchanged: &mut Vec<(NodeIdx, Box<[u8]>)>) {
        let Some(node) = dir.draft else { return };
        let directory = self.overlaid.draft.directory(node);
        for (name, slot) in directory
            .into_iter()
            .flat_map(|directory| &directory.children)
        {
            if self.is_same_slot(dir, name, *slot) {
                unchanged.push((node, name.clone()));
            } else if let Some(Seen::Dir(child)) = self.overlaid.lookup(dir, name) {
                self.collect(&child, unchanged);
            }
        }
    }

    /// Whether a directory, with all that is in it, is as it was below.
    fn is_same_dir(&self, dir: &SeenDir) -> bool {
        let (Some(node), Some(below)) = (dir.draft, &dir.below) else {
            return false;
        };
        let Some(directory) = self.overlaid.draft.directory(node) else {
            return false;
        };
        directory.join == Join::SamePath
            && self.has_metadata_of(node, below)
            && directory
                .children
                .iter()
                .all(|(name, slot)| self.is_same_slot(dir, name, *slot))
    }

    fn is_same_slot(&self, parent: &SeenDir, name: &[u8], slot: Slot) -> bool {
        let Slot::Node(node) = slot else { return false };
        match self.overlaid.lookup(parent, name) {
            Some(Seen::Dir(dir)) => self.is_same_dir(&dir),
            _ => self.is_same_leaf(node, lookup_below(parent, name)),
        }
    }

    /// Whether a file is as it was below. Not so for one of several names: which names are one inode
    /// would have to be compared, too.
    fn is_same_leaf(&self, node: NodeIdx, below: Option<Merged>) -> bool {
        let Some(Merged::File(place)) = below else {
            return false;
        };
        let n_names_below = place.index(self.overlaid.chain).stat(place.inode).nlink;
        let describe = |leaf| self.overlaid.describe(&Seen::Leaf(leaf));
        self.n_names[node.0] == 1
            && n_names_below == 1
            && describe(SeenLeaf::Draft(node)) == describe(SeenLeaf::Below(place))
    }

    fn has_metadata_of(&self, node: NodeIdx, below: &MergedDir) -> bool {
        let metadata = &self.overlaid.draft.node(node).metadata;
        match below.top() {
            Some(top) => *metadata == metadata_of(self.overlaid.chain, top),
            None => *metadata == bare_root(),
        }
    }
}
