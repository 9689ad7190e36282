//! What files take on disk, in bytes of allocated blocks: what their removal gives back.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::path_error::{AtPath, PathError};

/// Bytes of the blocks of one file or directory.
pub(crate) fn allocated(metadata: &Metadata) -> u64 {
    metadata.blocks() * 512
}

/// Entries of a directory with what `lstat` says; none when there is no such directory. Entries
/// that go meanwhile are left out.
pub(crate) fn entries(dir: &Path) -> Result<Vec<(PathBuf, Metadata)>, PathError> {
    let listed = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.at("list", dir)?,
    };
    let mut entries = Vec::new();
    for entry in listed {
        let path = entry.at("list", dir)?.path();
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            metadata => {
                let metadata = metadata.at("stat", &path)?;
                entries.push((path, metadata));
            }
        }
    }
    Ok(entries)
}

/// Bytes of a directory and everything below it; a file with several names counts once.
pub(crate) fn tree(dir: &Path) -> Result<u64, PathError> {
    let root = fs::symlink_metadata(dir).at("stat", dir)?;
    let mut counted = HashSet::new();
    let mut bytes = allocated(&root);
    let mut pending = vec![dir.to_owned()];
    while let Some(dir) = pending.pop() {
        for (path, metadata) in entries(&dir)? {
            if metadata.nlink() < 2 || counted.insert((metadata.dev(), metadata.ino())) {
                bytes += allocated(&metadata);
            }
            if metadata.is_dir() {
                pending.push(path);
            }
        }
    }
    Ok(bytes)
}
