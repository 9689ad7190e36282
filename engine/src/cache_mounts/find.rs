//! Finding a cache mount by what people call it.

use std::path::PathBuf;

use super::{CacheMountError, CacheMountInfo, directory, list};
use crate::state::Engine;

/// Digits of a directory's name that are enough to mean it.
const PREFIX: usize = 4;

/// The directory of a cache mount: by its id, or by the first digits of its directory's name.
pub(super) fn find(engine: &Engine, wanted: &str) -> Result<PathBuf, CacheMountError> {
    let mounts = list(engine)?;
    let mut found: Vec<_> = mounts.iter().filter(|mount| mount.id == wanted).collect();
    if found.is_empty() && wanted.len() >= PREFIX {
        found = mounts
            .iter()
            .filter(|mount| mount.directory.starts_with(wanted))
            .collect();
    }
    // The whole name of one is the beginning of that of the next: `ab12` and `ab12-1`.
    if let Some(exact) = found.iter().find(|mount| mount.directory == wanted) {
        found = vec![exact];
    }
    match found.as_slice() {
        [] => Err(CacheMountError::NotFound {
            wanted: wanted.to_owned(),
            known: known(&mounts),
        }),
        [mount] => Ok(directory::home(engine).join(&mount.directory)),
        several => Err(CacheMountError::Ambiguous {
            wanted: wanted.to_owned(),
            directories: several
                .iter()
                .map(|mount| mount.directory.clone())
                .collect(),
        }),
    }
}

fn known(mounts: &[CacheMountInfo]) -> Vec<String> {
    let mut ids: Vec<_> = mounts.iter().map(|mount| mount.id.clone()).collect();
    ids.dedup();
    ids
}
