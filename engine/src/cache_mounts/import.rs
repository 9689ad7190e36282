//! Putting contents into a cache mount, from a tar archive.

use std::fs::{self, DirBuilder};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

use iechor_image::layer::{ArchivePlacement, Limits, unpack_archive, write_local};
use iechor_image::progress::silent;
use iechor_snapshotter::Chain;

use super::CacheMountError;
use super::directory::{self, MountLock};
use crate::hold::Held;
use crate::path_error::{AtPath, PathError};
use crate::prune;
use crate::state::Engine;

/// What becomes of contents that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// They stay, and nothing is put in.
    #[default]
    Refuse,
    /// They go.
    Replace,
}

/// Mode of the directory of a cache mount that no step has used yet.
const MODE: u32 = 0o755;

/// Makes the contents of an archive those of the cache mount `id`: tar, plain or compressed with
/// gzip, bzip2, xz or zstd; with owners, times, hard links and attributes, without devices.
///
/// A step sees the old contents or the new ones, never a mixture. The directory that the step sees
/// keeps its mode and owner.
///
/// # Errors
///
/// [`CacheMountError::Exists`] when there are contents that are not to be replaced,
/// [`CacheMountError::InUse`], [`CacheMountError::Archive`].
pub fn import(
    engine: &Engine,
    id: &str,
    archive: &mut dyn Read,
    existing: Existing,
) -> Result<(), CacheMountError> {
    let dir = directory::of_id(engine, id);
    if existing == Existing::Refuse && has_contents(&dir)? {
        return Err(CacheMountError::Exists(id.to_owned()));
    }
    let (chain, lease) = {
        let _hold = Held::Snapshots.hold(engine)?;
        let chain = take_in(engine, archive)?;
        let lease = chain.tip().map(|tip| engine.leases().take(tip));
        (chain, lease.transpose()?)
    };
    let put = put_in(engine, id, &dir, &chain, existing);
    drop(lease);
    prune::sweep(engine)?;
    put
}

fn take_in(engine: &Engine, archive: &mut dyn Read) -> Result<Chain, CacheMountError> {
    let mut writer = engine.store().new_layer(&Chain::empty())?;
    let (placement, limits) = (ArchivePlacement::default(), Limits::default());
    let blobs = engine.store().blobs();
    unpack_archive(archive, &placement, &mut writer, blobs, &limits, &silent)
        .map_err(CacheMountError::Archive)?;
    Ok(writer.commit()?)
}

fn put_in(
    engine: &Engine,
    id: &str,
    dir: &Path,
    chain: &Chain,
    existing: Existing,
) -> Result<(), CacheMountError> {
    directory::make(dir, id)?;
    let MountLock::Free(_lock) = directory::lock(dir)? else {
        return Err(CacheMountError::InUse(id.to_owned()));
    };
    if existing == Existing::Refuse && has_contents(dir)? {
        return Err(CacheMountError::Exists(id.to_owned()));
    }
    let fresh = dir.join("data.new");
    directory::remove_tree(&fresh)?;
    let written = make_like(&fresh, &dir.join("data")).map_err(CacheMountError::from);
    let written = written.and_then(|()| {
        write_local(chain, engine.store().blobs(), &fresh)?;
        Ok(exchange(dir, &fresh)?)
    });
    directory::remove_tree(&fresh)?;
    written
}

/// An empty directory with the mode and owner of `old`, if that is there.
fn make_like(fresh: &Path, old: &Path) -> Result<(), PathError> {
    DirBuilder::new()
        .mode(0o700)
        .create(fresh)
        .at("make directory", fresh)?;
    let (mode, uid, gid) = match fs::symlink_metadata(old) {
        Err(error) if error.kind() == ErrorKind::NotFound => (MODE, 0, 0),
        metadata => {
            let metadata = metadata.at("stat", old)?;
            (metadata.mode() & 0o7777, metadata.uid(), metadata.gid())
        }
    };
    std::os::unix::fs::chown(fresh, Some(uid), Some(gid)).at("set the owner of", fresh)?;
    fs::set_permissions(fresh, fs::Permissions::from_mode(mode)).at("set the mode of", fresh)
}

/// Puts the fresh directory in the place of the old one.
fn exchange(dir: &Path, fresh: &Path) -> Result<(), PathError> {
    let (data, old) = (dir.join("data"), dir.join("data.old"));
    directory::remove_tree(&old)?;
    match fs::rename(&data, &old) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        renamed => renamed.at("rename", &data)?,
    }
    fs::rename(fresh, &data).at("rename", fresh)?;
    directory::remove_tree(&old)
}

/// Whether there is anything in the directory that a step sees.
fn has_contents(dir: &Path) -> Result<bool, PathError> {
    let data = dir.join("data");
    match fs::read_dir(&data) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        entries => Ok(entries.at("list", &data)?.next().is_some()),
    }
}
