//! Two images on one base: a million files in a layer that both have, and ten of them anew in each.

use std::path::{Path, PathBuf};

use anyhow::Result;
use iechor_cachedb::{BootId, CacheDb, NewImage, UnixMillis};
use iechor_snapshotter::{Chain, Digest, LayerWriter, Metadata, NodeKind, SnapshotStore};

/// Files of the base.
pub(crate) const FILES: usize = 1_000_000;

/// Files that differ.
pub(crate) const DIFFERING: usize = 10;

/// Files of one directory.
const FAN_OUT: usize = 1000;

/// Makes the state directory.
pub(crate) fn make(root: &Path) -> Result<()> {
    let store = SnapshotStore::open(root)?;
    let cache = CacheDb::open(&root.join("cache.db"), BootId(String::new()))?;
    let base = layer(&store, &Chain::empty(), 0..FILES, "base")?;
    for name in ["one", "two"] {
        let changed = (0..FILES).step_by(FILES / DIFFERING);
        let chain = layer(&store, &base, changed, name)?;
        cache.put_image(&image(&chain, name), &[full(name)])?;
    }
    store.sync()?;
    Ok(())
}

/// A layer of files with contents of their own. The contents are named and not stored: nothing that
/// is measured reads any.
fn layer(
    store: &SnapshotStore,
    parent: &Chain,
    files: impl IntoIterator<Item = usize>,
    name: &str,
) -> Result<Chain> {
    let mut writer = store.new_layer(parent)?;
    for at in files {
        put(
            &mut writer,
            at,
            Digest::of(format!("{name} {at}").as_bytes()),
        )?;
    }
    Ok(writer.commit()?)
}

fn put(writer: &mut LayerWriter, at: usize, blob: Digest) -> Result<()> {
    let path = PathBuf::from(format!("files/{:04}/{at:07}.txt", at / FAN_OUT));
    let metadata = Metadata {
        mode: 0o644,
        ..Metadata::default()
    };
    Ok(writer.put(&path, NodeKind::Regular { blob, size: 8 }, metadata)?)
}

fn image(chain: &Chain, name: &str) -> NewImage {
    NewImage {
        config: format!("{{\"os\":\"linux\",\"architecture\":\"amd64\",\"author\":\"{name}\"}}"),
        manifest: None,
        record: None,
        chain: chain.layers().iter().map(|layer| layer.id()).collect(),
        platform: "linux/amd64".to_owned(),
        created: UnixMillis(0),
        size: 0,
    }
}

fn full(name: &str) -> String {
    format!("docker.io/library/{name}:latest")
}
