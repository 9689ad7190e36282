use super::*;
use crate::layer::draft::{Directory, Draft, Join, NodeIdx, Payload, Slot};
use crate::layer::{Metadata, NodeKind};
use crate::store::SnapshotStore;

/// Directories in each other, and layers that move all of them.
const DEPTH: usize = 12;
const LAYERS: usize = 40;

fn name(layer: usize, depth: usize) -> String {
    format!("d{depth}.{layer}")
}

fn path(layer: usize, depth: usize) -> String {
    (0..=depth)
        .map(|at| format!("/{}", name(layer, at)))
        .collect()
}

fn add(draft: &mut Draft, parent: NodeIdx, name: &str, payload: Payload) -> NodeIdx {
    let node = draft.add(payload, Metadata::default());
    draft.set(parent, name.as_bytes(), Slot::Node(node));
    node
}

/// A layer in which every directory has another name than in the layer before.
fn moving(layer: usize) -> Draft {
    let mut draft = Draft::new(Metadata::default());
    let mut parent = Draft::ROOT;
    for depth in 0..DEPTH {
        let join = match layer {
            0 => Join::SamePath,
            _ => {
                draft.set(parent, name(layer - 1, depth).as_bytes(), Slot::Whiteout);
                Join::MovedFrom(path(layer - 1, depth).into())
            }
        };
        let directory = Payload::Directory(Directory::new(join));
        parent = add(&mut draft, parent, &name(layer, depth), directory);
    }
    let fifo = Payload::Leaf(NodeKind::Fifo);
    add(&mut draft, parent, &format!("of layer {layer}"), fifo);
    draft
}

/// Without memory this takes 40 over 12, some 10^10, searches.
#[test]
fn nested_directories_that_every_layer_moves_are_found_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = SnapshotStore::open(&dir.path().join("store")).unwrap();
    let mut chain = Chain::empty();
    for layer in 0..LAYERS {
        let lock = store.lock_file().ingest().unwrap();
        chain = store.publish(&chain, moving(layer), &lock).unwrap();
    }
    let innermost = path(LAYERS - 1, DEPTH - 1);
    let Some(Merged::Dir(found)) = lookup_path(root(&chain), innermost.as_bytes()) else {
        panic!("{innermost} is no directory");
    };
    assert_eq!(found.stack().len(), LAYERS);
    assert_eq!(entries(&found).len(), LAYERS);
}
