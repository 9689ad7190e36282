//! Taking the contents of a cache mount out: a tar archive.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use iechor_frontend::ignore::IgnoreSet;
use iechor_image::layer::write_rootfs_tar;
use iechor_snapshotter::{Chain, LayerWriter, Metadata, NodeKind};

use super::directory::{self, MountLock};
use super::{CacheMountError, find};
use crate::copy::HostTree;
use crate::copy::source::{HardLink, SourceFile, SourceTree};
use crate::hold::Held;
use crate::prune;
use crate::state::Engine;

/// Writes the contents of a cache mount as an uncompressed tar archive: with owners, times, hard
/// links and attributes, without sockets. No step uses it meanwhile.
///
/// The contents are taken into the store first, so that the archive is of one moment.
///
/// # Errors
///
/// [`CacheMountError::InUse`] while a step uses it, [`CacheMountError::NotFound`],
/// [`CacheMountError::Ambiguous`].
pub fn export(engine: &Engine, wanted: &str, out: &mut dyn Write) -> Result<(), CacheMountError> {
    let dir = find::find(engine, wanted)?;
    let MountLock::Free(lock) = directory::lock(&dir)? else {
        return Err(CacheMountError::InUse(directory::id_of(&dir)));
    };
    let (chain, lease) = {
        let _hold = Held::Snapshots.hold(engine)?;
        let chain = take_in(engine, &dir.join("data"))?;
        let lease = chain.tip().map(|tip| engine.leases().take(tip));
        (chain, lease.transpose()?)
    };
    drop(lock);
    write_rootfs_tar(&chain, engine.store().blobs(), out)?;
    drop(lease);
    Ok(prune::sweep(engine)?)
}

fn take_in(engine: &Engine, data: &Path) -> Result<Chain, CacheMountError> {
    let tree = HostTree::open(data, "the cache mount", IgnoreSet::default())?;
    let mut writer = engine.store().new_layer(&Chain::empty())?;
    let mut links = HashMap::new();
    let mut pending = vec![PathBuf::new()];
    while let Some(dir) = pending.pop() {
        for file in tree.children(&dir)? {
            put(engine, &tree, &file, &mut links, &mut writer)?;
            pending.extend(file.is_directory().then_some(file.path));
        }
    }
    Ok(writer.commit()?)
}

fn put(
    engine: &Engine,
    tree: &HostTree,
    file: &SourceFile,
    links: &mut HashMap<HardLink, PathBuf>,
    writer: &mut LayerWriter,
) -> Result<(), CacheMountError> {
    if let Some(inode) = file.hard_link {
        if let Some(first) = links.get(&inode) {
            return Ok(writer.link(&file.path, first)?);
        }
        links.insert(inode, file.path.clone());
    }
    let (kind, xattrs): (NodeKind, _) = tree.take(file, engine.store().blobs())?;
    let metadata = Metadata {
        mode: file.mode,
        uid: file.uid,
        gid: file.gid,
        mtime: file.mtime,
        xattrs,
    };
    Ok(writer.put(&file.path, kind, metadata)?)
}
