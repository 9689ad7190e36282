//! FORGET: the kernel dropped a number.

use super::{ChainFs, Ino};

impl ChainFs {
    /// Takes back `lookups` of the lookups that gave this number out.
    pub fn forget(&self, ino: Ino, lookups: u64) {
        self.nodes.forget(ino, lookups);
    }
}
