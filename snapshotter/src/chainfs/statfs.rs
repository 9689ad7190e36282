//! STATFS: the file system as a whole.

use super::ChainFs;

/// What the file system has in all. Nothing is free: it cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Inodes of all layers that the session has shown so far.
    pub inodes: u64,
}

impl Totals {
    /// The longest name that there can be, in bytes.
    pub const NAME_MAX: u32 = 255;
    /// Unit of transfers and sizes in bytes: a page.
    pub const BLOCK: u32 = 4096;
}

impl ChainFs {
    /// What the file system has in all.
    pub fn statfs(&self) -> Totals {
        Totals {
            inodes: self.layers.inodes(),
        }
    }
}
