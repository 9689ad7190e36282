//! GETATTR: attributes of a number.

use super::attr::{Attr, FileKind};
use super::{ChainFs, FsError, Ino};

impl ChainFs {
    /// Attributes of an inode.
    ///
    /// # Errors
    ///
    /// [`FsError::Stale`].
    pub fn getattr(&self, ino: Ino) -> Result<Attr, FsError> {
        if self.views(ino).is_some() {
            return Ok(Attr::bare(Ino::ROOT, FileKind::Directory));
        }
        match self.file_attr(ino) {
            Some(attr) => Ok(attr),
            None => Ok(self.node(ino)?.attr()),
        }
    }

    /// Attributes of a file of a layer; none for other numbers.
    pub(super) fn file_attr(&self, ino: Ino) -> Option<Attr> {
        let (layer, inode) = self.layers.file(ino)?;
        Some(Attr::of_stat(ino, &layer.index().stat(inode)))
    }
}
