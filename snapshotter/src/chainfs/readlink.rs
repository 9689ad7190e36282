//! READLINK: the target of a symbolic link.

use super::{ChainFs, FileKind, FsError, Ino};

impl ChainFs {
    /// The target, as its layer has it.
    ///
    /// # Errors
    ///
    /// [`FsError::WrongKind`] for anything but a symbolic link; [`FsError::Stale`].
    pub fn readlink(&self, ino: Ino) -> Result<Vec<u8>, FsError> {
        if self.getattr(ino)?.kind != FileKind::Symlink {
            return Err(FsError::WrongKind);
        }
        let (layer, inode) = self.layers.file(ino).ok_or(FsError::Stale)?;
        Ok(layer.index().target(inode).to_vec())
    }
}
