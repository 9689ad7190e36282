//! LISTXATTR: names of the extended attributes.

use super::{ChainFs, FsError, Ino};
use crate::overlay_xattr;

impl ChainFs {
    /// The names, each with a NUL behind it (listxattr(2)).
    ///
    /// # Errors
    ///
    /// [`FsError::Stale`].
    pub fn listxattr(&self, ino: Ino) -> Result<Vec<u8>, FsError> {
        let mut names = Vec::new();
        if let Some((layer, inode)) = self.described(ino)? {
            for (name, _) in layer.index().xattrs(inode) {
                names.extend_from_slice(&overlay_xattr::escape(name));
                names.push(0);
            }
        }
        Ok(names)
    }
}
