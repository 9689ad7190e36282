//! LOOKUP: what a name in a directory stands for.

use std::sync::Arc;

use super::attr::{Attr, FileKind};
use super::directory::{Child, Directory};
use super::nodes::Node;
use super::views::ViewId;
use super::{ChainFs, FsError, Ino, Totals};
use crate::merge::Place;

impl ChainFs {
    /// What `name` stands for; none when it stands for nothing, which is so for ever.
    ///
    /// `.` and `..` are answered too: a kernel may ask for them to find an inode again by its file
    /// handle. An answer counts as one lookup of that number, until [`ChainFs::forget`] takes it
    /// back.
    ///
    /// # Errors
    ///
    /// [`FsError::NoView`] in a list of views, where a name may come later;
    /// [`FsError::NotADirectory`]; [`FsError::NameTooLong`]; [`FsError::Stale`].
    pub fn lookup(&self, parent: Ino, name: &[u8]) -> Result<Option<Attr>, FsError> {
        match name {
            b"." => self.again(parent).map(Some),
            b".." => self.again(self.parent(parent)?).map(Some),
            _ if name.len() > Totals::NAME_MAX as usize => Err(FsError::NameTooLong),
            _ => self.child(parent, name),
        }
    }

    /// Attributes for the kernel; what cannot be found again by arithmetic is kept.
    pub(super) fn tell(&self, found: Found) -> Attr {
        match found {
            Found::File(attr) => attr,
            Found::Kept(node) => self.remember(node),
        }
    }

    fn child(&self, parent: Ino, name: &[u8]) -> Result<Option<Attr>, FsError> {
        if let Some(views) = self.views(parent) {
            let view = ViewId::parse(name)
                .and_then(|id| views.get(id))
                .ok_or(FsError::NoView)?;
            return Ok(Some(
                self.remember(directory_node(Directory::listed_root(view))),
            ));
        }
        let directory = self.directory(parent)?;
        let child = directory
            .child(name)
            .map(|child| Found::of(&directory, child));
        Ok(child.map(|found| self.tell(found)))
    }

    /// Tells of a number that is known already.
    fn again(&self, ino: Ino) -> Result<Attr, FsError> {
        match self.nodes.get(ino) {
            Some(node) => Ok(self.remember(node)),
            None => self.getattr(ino),
        }
    }

    fn parent(&self, ino: Ino) -> Result<Ino, FsError> {
        match self.views(ino) {
            Some(_) => Ok(Ino::ROOT),
            None => Ok(self.directory(ino)?.parent),
        }
    }

    fn remember(&self, node: Node) -> Attr {
        let attr = node.attr();
        self.nodes.remember(attr.ino, node);
        attr
    }
}

/// A child, ready to be told to the kernel.
pub(super) enum Found {
    /// A file of a layer.
    File(Attr),
    /// A directory or virtual file.
    Kept(Node),
}

impl Found {
    pub(super) fn of(directory: &Directory, child: Child) -> Self {
        match child {
            Child::File(place) => Self::File(file_attr(directory, place)),
            Child::Directory(child) => Self::Kept(directory_node(child)),
            Child::Stub(stub) => Self::Kept(Node::Stub(Arc::clone(&directory.view), stub)),
        }
    }

    pub(super) fn attr(&self) -> Attr {
        match self {
            Self::File(attr) => *attr,
            Self::Kept(node) => node.attr(),
        }
    }
}

/// A directory as a node to keep.
pub(super) fn directory_node(directory: Directory) -> Node {
    Node::Directory(Arc::new(directory))
}

fn file_attr(directory: &Directory, place: Place) -> Attr {
    let stat = place.index(&directory.view.chain).stat(place.inode);
    debug_assert_ne!(FileKind::of_mode(stat.mode), FileKind::Directory);
    Attr::of_stat(directory.view.file_ino(place), &stat)
}
