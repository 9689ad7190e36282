//! What an image is made of: bytes by layer and directory, and how many of them nobody sees.

use std::collections::HashSet;

use iechor_cachedb::BuildId;
use iechor_snapshotter::index::{Entry, InodeIdx};
use iechor_snapshotter::tree::{Node, Tree};
use iechor_snapshotter::{Chain, LayerIndex, NodeKind, SnapshotId};

use super::PictureError;
use crate::blame::{Author, Authors};
use crate::images;
use crate::state::Engine;

/// Of all bytes, the part below which a file or directory is not told by itself: one in so many.
const FINEST: u64 = 500;

/// An image taken apart.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Anatomy {
    /// Image id, `sha256:…`.
    pub id: String,
    /// Its names.
    pub names: Vec<String>,
    /// Bytes of all regular files of all layers.
    pub bytes: u64,
    /// Bytes of those that a later layer overwrites or deletes.
    pub wasted: u64,
    /// The layers, base first.
    pub layers: Vec<LayerPart>,
}

/// A layer of an image.
#[derive(Debug, Clone, serde::Serialize)]
pub struct LayerPart {
    /// Its snapshot, `sha256:…`.
    pub snapshot: String,
    /// Whose it is.
    pub author: Author,
    /// Its files.
    #[serde(flatten)]
    pub files: Part,
}

/// A directory of a layer with everything in it, or a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Part {
    /// Its name; of directories that have nothing else in them, several: `usr/share`. Empty for
    /// what is too small to be told by itself, all together.
    pub name: String,
    /// Bytes of the regular files.
    pub bytes: u64,
    /// Bytes of those that a later layer overwrites or deletes.
    pub wasted: u64,
    /// How many regular files; one name each of hard links.
    pub files: u64,
    /// What is in it, the largest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Self>,
}

/// The image that a build made, if it is still here.
pub(super) fn of_build(engine: &Engine, build: BuildId) -> Result<Option<Anatomy>, PictureError> {
    let build = engine.cache().build(build)?;
    let Some(id) = build.and_then(|build| build.image) else {
        return Ok(None);
    };
    let Some(image) = images::by_id(engine, &id)? else {
        return Ok(None);
    };
    let chain = images::chain_of(engine, &image)?;
    let layers = layers(engine, &chain)?;
    let sum = |of: fn(&Part) -> u64| layers.iter().map(|layer| of(&layer.files)).sum();
    Ok(Some(Anatomy {
        id: id.to_string(),
        names: image.names,
        bytes: sum(|part| part.bytes),
        wasted: sum(|part| part.wasted),
        layers,
    }))
}

fn layers(engine: &Engine, chain: &Chain) -> Result<Vec<LayerPart>, PictureError> {
    let visible = Visible::of(&Tree::new(chain, engine.store().blobs()));
    let authors = Authors::load(engine)?;
    let mut whole: Vec<LayerPart> = Vec::new();
    for layer in chain.layers() {
        whole.push(LayerPart {
            snapshot: layer.id().to_string(),
            author: authors.of(&layer.id()),
            files: Survey::of(layer.index(), layer.id(), &visible),
        });
    }
    let finest = whole.iter().map(|layer| layer.files.bytes).sum::<u64>() / FINEST;
    for layer in &mut whole {
        layer.files.coarsen(finest);
    }
    Ok(whole)
}

/// The inodes of regular files that the whole chain shows.
struct Visible(HashSet<(SnapshotId, InodeIdx)>);

impl Visible {
    fn of(tree: &Tree) -> Self {
        let mut visible = Self(HashSet::new());
        visible.add(tree, &tree.root());
        visible
    }

    fn add(&mut self, tree: &Tree, dir: &Node) {
        for (_, node) in tree.read_dir(dir) {
            match node.is_dir() {
                true => self.add(tree, &node),
                false => self.0.extend(node.id().inode()),
            }
        }
    }
}

/// A walk through one layer.
struct Survey<'a> {
    index: &'a LayerIndex,
    layer: SnapshotId,
    visible: &'a Visible,
    /// Of hard links the first name counts.
    counted: HashSet<InodeIdx>,
}

impl<'a> Survey<'a> {
    fn of(index: &'a LayerIndex, layer: SnapshotId, visible: &'a Visible) -> Part {
        let mut survey = Self {
            index,
            layer,
            visible,
            counted: HashSet::new(),
        };
        survey.directory(LayerIndex::ROOT, String::new())
    }

    fn directory(&mut self, dir: InodeIdx, name: String) -> Part {
        let index = self.index;
        let parts = index.entries(dir).filter_map(|(name, entry)| match entry {
            Entry::Whiteout => None,
            Entry::Inode(inode) => self.inode(inode, String::from_utf8_lossy(name).into_owned()),
        });
        Part::directory(name, parts.collect())
    }

    /// None for what has no bytes of its own.
    fn inode(&mut self, inode: InodeIdx, name: String) -> Option<Part> {
        match self.index.kind(inode) {
            NodeKind::Directory => Some(self.directory(inode, name)).filter(|part| part.files > 0),
            NodeKind::Regular { size, .. } if self.counted.insert(inode) => {
                let seen = self.visible.0.contains(&(self.layer, inode));
                Some(Part {
                    name,
                    bytes: size,
                    wasted: if seen { 0 } else { size },
                    files: 1,
                    parts: Vec::new(),
                })
            }
            _ => None,
        }
    }
}

impl Part {
    fn directory(name: String, parts: Vec<Self>) -> Self {
        let sum = |of: fn(&Self) -> u64| parts.iter().map(of).sum();
        Self {
            name,
            bytes: sum(|part| part.bytes),
            wasted: sum(|part| part.wasted),
            files: sum(|part| part.files),
            parts,
        }
    }

    /// Puts together what is smaller than `finest`, and directories with their only entry.
    fn coarsen(&mut self, finest: u64) {
        let (mut large, small): (Vec<Self>, Vec<Self>) = std::mem::take(&mut self.parts)
            .into_iter()
            .partition(|part| part.bytes > finest);
        large.iter_mut().for_each(|part| part.coarsen(finest));
        large.sort_by(|one, other| (other.bytes, &one.name).cmp(&(one.bytes, &other.name)));
        if large.is_empty() {
            return;
        }
        if !small.is_empty() {
            large.push(Self {
                parts: Vec::new(),
                ..Self::directory(String::new(), small)
            });
        }
        self.parts = large;
        self.join_only_part();
    }

    fn join_only_part(&mut self) {
        // The root of a layer has no name to be joined with.
        if self.name.is_empty() || self.parts.len() != 1 {
            return;
        }
        if let Some(only) = self.parts.pop() {
            self.name = format!("{}/{}", self.name, only.name);
            self.parts = only.parts;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, bytes: u64) -> Part {
        Part {
            name: name.to_owned(),
            bytes,
            files: 1,
            ..Part::default()
        }
    }

    fn names(part: &Part) -> Vec<&str> {
        part.parts.iter().map(|part| part.name.as_str()).collect()
    }

    #[test]
    fn what_is_small_is_put_together() {
        let files = vec![
            file("a", 3),
            file("big", 50),
            file("b", 4),
            file("huge", 90),
        ];
        let mut root = Part::directory(String::new(), files);
        root.coarsen(10);
        assert_eq!(names(&root), ["huge", "big", ""]);
        let rest = &root.parts[2];
        assert_eq!((rest.bytes, rest.files), (7, 2));
        assert_eq!((root.bytes, root.files), (147, 4));
    }

    #[test]
    fn directories_are_joined_with_their_only_entry() {
        let doc = Part::directory("doc".into(), vec![file("x", 50), file("y", 60)]);
        let share = Part::directory("share".into(), vec![doc]);
        let usr = Part::directory("usr".into(), vec![share]);
        let mut root = Part::directory(String::new(), vec![usr]);
        root.coarsen(10);
        assert_eq!(names(&root), ["usr/share/doc"]);
        assert_eq!(names(&root.parts[0]), ["y", "x"]);
    }

    #[test]
    fn a_directory_of_small_files_is_told_as_one() {
        let files = (0..100).map(|n| file(&n.to_string(), 1)).collect();
        let dir = Part::directory("dir".into(), files);
        let mut root = Part::directory(String::new(), vec![dir]);
        root.coarsen(10);
        assert_eq!(names(&root), ["dir"]);
        assert_eq!((root.parts[0].bytes, root.parts[0].parts.len()), (100, 0));
    }
}
