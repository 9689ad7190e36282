//! From the options of a mount to the mount.

use super::{Mount, MountFlag};
use crate::diagnostic::Diagnostic;
use crate::expand::Expander;

impl MountFlag {
    /// The mount, its options expanded, checked and completed with their defaults.
    pub fn resolve(&self, expander: &mut Expander<'_>) -> Result<Mount, Box<Diagnostic>> {
        let _ = expander;
        todo!()
    }
}
