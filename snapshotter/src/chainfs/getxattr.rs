//! GETXATTR: an extended attribute by name.

use std::sync::Arc;

use super::nodes::Node;
use super::{ChainFs, FsError, Ino};
use crate::index::InodeIdx;
use crate::layer::Layer;
use crate::overlay_xattr;

impl ChainFs {
    /// The value of an attribute, under the name that a lower of an overlay has it by (see
    /// `overlay_xattr`). No layer has marks of overlayfs; asking for them must cost nothing, for
    /// overlayfs does on every lookup.
    ///
    /// # Errors
    ///
    /// [`FsError::NoAttribute`]; [`FsError::Stale`].
    pub fn getxattr(&self, ino: Ino, name: &[u8]) -> Result<Vec<u8>, FsError> {
        let name = overlay_xattr::unescape(name).ok_or(FsError::NoAttribute)?;
        let (layer, inode) = self.described(ino)?.ok_or(FsError::NoAttribute)?;
        let mut xattrs = layer.index().xattrs(inode);
        let value = xattrs
            .find(|(other, _)| name == *other)
            .map(|(_, value)| value.to_vec());
        value.ok_or(FsError::NoAttribute)
    }

    /// The layer and inode that describe a number; none for what is virtual.
    pub(super) fn described(&self, ino: Ino) -> Result<Option<(Arc<Layer>, InodeIdx)>, FsError> {
        if self.views(ino).is_some() {
            return Ok(None);
        }
        if let Some(file) = self.layers.file(ino) {
            return Ok(Some(file));
        }
        let Node::Directory(directory) = self.node(ino)? else {
            return Ok(None);
        };
        let layers = directory.view.chain.layers();
        let place = directory.top();
        Ok(place.map(|place| (Arc::clone(&layers[place.layer]), place.inode)))
    }
}
