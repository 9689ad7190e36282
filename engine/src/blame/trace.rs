//! What the layers of a chain say about one path, from the top down.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use iechor_snapshotter::index::{Below, Entry, InodeIdx};
use iechor_snapshotter::{Chain, LayerIndex};

/// What a layer did to a path.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "deed", rename_all = "lowercase")]
pub enum Deed {
    /// Made it, or changed its contents or metadata.
    Written,
    /// Moved it here with a directory.
    Moved {
        /// Where it was before: absolute path.
        #[serde(serialize_with = "crate::files::serialize_path")]
        from: PathBuf,
    },
    /// Deleted it, or something above it.
    Deleted,
}

/// The layers that did something to `path`, newest first, each by its place from the base.
///
/// A deletion of what was never there is not told: layers hide whole directories.
pub(super) fn deeds(chain: &Chain, path: &Path) -> Vec<(usize, Deed)> {
    let mut path: Vec<Vec<u8>> = names(path.as_os_str().as_bytes());
    let mut deeds = Vec::new();
    for (layer, changes) in chain.layers().iter().enumerate().rev() {
        let Some(deed) = deed(changes.index(), &path) else {
            continue;
        };
        if let Deed::Moved { from } = &deed {
            path = names(from.as_os_str().as_bytes());
        }
        deeds.push((layer, deed));
    }
    while matches!(deeds.last(), Some((_, Deed::Deleted))) {
        deeds.pop();
    }
    deeds
}

/// What one layer did; none when it has no word on the path.
fn deed(index: &LayerIndex, path: &[Vec<u8>]) -> Option<Deed> {
    let mut dir = LayerIndex::ROOT;
    let mut passed = passing(index, dir, path);
    for (at, name) in path.iter().enumerate() {
        let inode = match index.find(dir, name) {
            None => return passed,
            Some(Entry::Whiteout) => return Some(Deed::Deleted),
            Some(Entry::Inode(inode)) => inode,
        };
        let rest = &path[at + 1..];
        if !index.is_directory(inode) {
            return Some(if rest.is_empty() {
                Deed::Written
            } else {
                Deed::Deleted
            });
        }
        passed = passing(index, inode, rest).or(passed);
        dir = inode;
    }
    // A directory that was moved is told so; any other was made or changed.
    passed
        .filter(|deed| matches!(deed, Deed::Moved { .. }))
        .or(Some(Deed::Written))
}

/// What a directory on the way means for what is under it and not in this layer.
fn passing(index: &LayerIndex, dir: InodeIdx, rest: &[Vec<u8>]) -> Option<Deed> {
    match index.below(dir) {
        Below::SamePath => None,
        Below::Nothing => Some(Deed::Deleted),
        Below::MovedFrom(origin) => Some(Deed::Moved {
            from: join(origin, rest),
        }),
    }
}

fn names(path: &[u8]) -> Vec<Vec<u8>> {
    let names = path.split(|byte| *byte == b'/');
    names
        .filter(|name| !name.is_empty())
        .map(<[u8]>::to_vec)
        .collect()
}

fn join(dir: &[u8], rest: &[Vec<u8>]) -> PathBuf {
    let dir = Path::new("/").join(OsString::from_vec(dir.to_vec()));
    rest.iter().fold(dir, |path, name| {
        path.join(OsString::from_vec(name.clone()))
    })
}
