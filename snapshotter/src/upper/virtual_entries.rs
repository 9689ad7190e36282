//! Paths that a step saw but the chain does not have.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Mount points, stubs, and the directories that were made up to hold them.
#[derive(Debug)]
pub(super) struct VirtualEntries {
    /// Absolute paths.
    paths: HashSet<Vec<u8>>,
}

impl VirtualEntries {
    /// The given absolute paths, and every directory above them.
    pub(super) fn new(paths: &[&Path]) -> Self {
        let with_parents = paths.iter().flat_map(|path| path.ancestors());
        let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec();
        Self {
            paths: with_parents.map(bytes).collect(),
        }
    }

    /// Whether a path that the chain does not have was shown all the same.
    pub(super) fn contain(&self, path: &[u8]) -> bool {
        self.paths.contains(path)
    }
}
