//! A layer while it is being made: its tree in memory.

use std::collections::BTreeMap;

use super::{Metadata, NodeKind};

/// Number of a node inside one draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct NodeIdx(pub(crate) usize);

/// What a name in a draft's directory stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    Whiteout,
    Node(NodeIdx),
}

/// How a directory of a draft will join with what lies below; see [`crate::index::Below`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Join {
    SamePath,
    Nothing,
    MovedFrom(Vec<u8>),
}

/// A directory of the draft: only what changes in it.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) join: Join,
    pub(crate) children: BTreeMap<Box<[u8]>, Slot>,
}

impl Directory {
    pub(crate) fn new(join: Join) -> Self {
        Self {
            join,
            children: BTreeMap::new(),
        }
    }
}

/// What a node is.
#[derive(Debug)]
pub(crate) enum Payload {
    Directory(Directory),
    /// Anything but a directory.
    Leaf(NodeKind),
}

/// An inode of the draft; it has as many names as directories lead to it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) payload: Payload,
    pub(crate) metadata: Metadata,
}

/// The tree. Nodes that lost their last name stay in memory and are left out of the index.
#[derive(Debug)]
pub(crate) struct Draft {
    nodes: Vec<Node>,
}

impl Draft {
    pub(crate) const ROOT: NodeIdx = NodeIdx(0);

    /// A tree of nothing but a root that merges with the one below.
    pub(crate) fn new(root: Metadata) -> Self {
        let payload = Payload::Directory(Directory::new(Join::SamePath));
        Self {
            nodes: vec![Node {
                payload,
                metadata: root,
            }],
        }
    }

    pub(crate) fn node(&self, node: NodeIdx) -> &Node {
        &self.nodes[node.0]
    }

    pub(crate) fn node_mut(&mut self, node: NodeIdx) -> &mut Node {
        &mut self.nodes[node.0]
    }

    /// The directory, or none when the node is something else.
    pub(crate) fn directory(&self, node: NodeIdx) -> Option<&Directory> {
        self.node(node).payload.directory()
    }

    /// As [`Draft::directory`], to change it.
    pub(crate) fn directory_mut(&mut self, node: NodeIdx) -> Option<&mut Directory> {
        match &mut self.node_mut(node).payload {
            Payload::Directory(directory) => Some(directory),
            Payload::Leaf(_) => None,
        }
    }

    /// How many nodes were ever made.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// How many names each node has; nodes that only removed directories lead to count as well.
    pub(crate) fn count_names(&self) -> Vec<u32> {
        let mut n_names = vec![0; self.nodes.len()];
        let directories = self
            .nodes
            .iter()
            .filter_map(|node| node.payload.directory());
        for slot in directories.flat_map(|directory| directory.children.values()) {
            if let Slot::Node(node) = slot {
                n_names[node.0] += 1;
            }
        }
        n_names
    }

    /// Adds a node that has no name yet.
    pub(crate) fn add(&mut self, payload: Payload, metadata: Metadata) -> NodeIdx {
        self.nodes.push(Node { payload, metadata });
        NodeIdx(self.nodes.len() - 1)
    }

    /// Gives a name to a node, or a whiteout; has no effect in what is no directory.
    pub(crate) fn set(&mut self, parent: NodeIdx, name: &[u8], slot: Slot) {
        if let Some(directory) = self.directory_mut(parent) {
            directory.children.insert(name.into(), slot);
        }
    }

    /// Takes a name out of the draft; what lies below shows again.
    pub(crate) fn unset(&mut self, parent: NodeIdx, name: &[u8]) {
        if let Some(directory) = self.directory_mut(parent) {
            directory.children.remove(name);
        }
    }
}

impl Payload {
    fn directory(&self) -> Option<&Directory> {
        match self {
            Self::Directory(directory) => Some(directory),
            Self::Leaf(_) => None,
        }
    }

    /// What the node is, as an entry.
    pub(crate) fn kind(&self) -> NodeKind {
        match self {
            Self::Directory(_) => NodeKind::Directory,
            Self::Leaf(kind) => kind.clone(),
        }
    }
}
