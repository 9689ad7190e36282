//! The walk over an upper directory, by descriptors.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::FileType;

use super::UpperError;
use super::contents::{Contents, NewFile};
use super::found::{Found, Here, Origin, cannot, display, metadata, read_xattrs};
use super::virtual_entries::VirtualEntries;
use crate::chain::Chain;
use crate::dirfd::{entries_in, magic_link, open_dir};
use crate::id::Digest;
use crate::layer::draft::{Directory, Draft, Join, NodeIdx, Payload, Slot};
use crate::layer::entry::DEPTH_MAX;
use crate::layer::{Metadata, NodeKind};
use crate::merge::{self, Merged};
use crate::store::StoreError;

/// What is read so far.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    chain: &'a Chain,
    virtual_entries: &'a VirtualEntries,
    contents: Contents,
    draft: Draft,
    /// Files with several names, by inode number.
    linked: HashMap<u64, NodeIdx>,
}

/// Where a regular file of the upper has its contents from.
enum Source {
    /// It has none: it was shown to the step, which left it alone.
    Stub,
    Upper,
    /// The chain below, where it is this.
    Below(NodeKind),
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        chain: &'a Chain,
        virtual_entries: &'a VirtualEntries,
        contents: Contents,
    ) -> Self {
        let draft = Draft::new(Metadata::default());
        Self {
            chain,
            virtual_entries,
            contents,
            draft,
            linked: HashMap::new(),
        }
    }

    /// Reads the upper from its root on.
    pub(super) fn read_all(mut self, upper: &OwnedFd) -> Result<Draft, StoreError> {
        let root = self.root(upper).map_err(at(Vec::new()))?;
        self.read_dir(&root)?;
        Ok(self.draft)
    }

    fn root(&mut self, upper: &OwnedFd) -> Result<Here, UpperError> {
        let fd = open_dir(upper, OsStr::new(".")).map_err(cannot("cannot open"))?;
        let stat = rustix::fs::fstat(&fd).map_err(cannot("cannot stat"))?;
        let (_, xattrs) = read_xattrs(&magic_link(&fd).join("."))?;
        self.draft.node_mut(Draft::ROOT).metadata = metadata(&stat, xattrs);
        let below = Some(Origin {
            dir: merge::root(self.chain),
            path: Vec::new(),
        });
        Ok(Here {
            fd,
            node: Draft::ROOT,
            path: Vec::new(),
            below,
            depth: 0,
        })
    }

    fn read_dir(&mut self, here: &Here) -> Result<(), StoreError> {
        let entries = entries_in(&here.fd).map_err(cannot("cannot list"));
        for (name, listed) in entries.map_err(at(here.path.clone()))? {
            let inner = self
                .read_entry(here, &name, listed)
                .map_err(at(here.path_of(&name)))?;
            if let Some(inner) = inner {
                self.read_dir(&inner)?;
                self.drop_stub(here, &name, &inner);
            }
        }
        Ok(())
    }

    /// Reads one entry; gives it back when it is a directory to go into.
    fn read_entry(
        &mut self,
        here: &Here,
        name: &OsStr,
        listed: FileType,
    ) -> Result<Option<Here>, UpperError> {
        let (found, file) = Found::read(here, name, listed)?;
        if found.is_whiteout() {
            self.add_whiteout(&found);
            return Ok(None);
        }
        match found.file_type() {
            libc::S_IFDIR => self.add_directory(&found).map(Some),
            _ => self.add_file(&found, file).map(|()| None),
        }
    }

    /// A whiteout counts where the chain has something to hide; stubs of the view are nothing.
    fn add_whiteout(&mut self, found: &Found<'_>) {
        if found.below().is_some() {
            self.draft
                .set(found.here.node, found.name.as_bytes(), Slot::Whiteout);
        }
    }

    fn add_directory(&mut self, found: &Found<'_>) -> Result<Here, UpperError> {
        if found.here.depth == DEPTH_MAX {
            return Err(UpperError::TooDeep);
        }
        let below = self.origin(found)?;
        let join = join_with(found, below.as_ref());
        let fd = open_dir(&found.here.fd, found.name).map_err(cannot("cannot open"))?;
        let node = self.add(found, Payload::Directory(Directory::new(join)));
        let depth = found.here.depth + 1;
        Ok(Here {
            fd,
            node,
            path: found.path(),
            below,
            depth,
        })
    }

    /// The directory below that one of the upper merges with. Only that of a moved one must be
    /// there, or have been shown at least.
    fn origin(&self, found: &Found<'_>) -> Result<Option<Origin>, UpperError> {
        if found.marks.opaque {
            return Ok(None);
        }
        let Some(path) = found.origin_path() else {
            return Ok(None);
        };
        match merge::lookup_path(merge::root(self.chain), &path) {
            Some(Merged::Dir(dir)) => Ok(Some(Origin { dir, path })),
            _ if found.marks.redirect.is_none() || self.virtual_entries.contain(&path) => Ok(None),
            _ => Err(UpperError::NoOrigin(display(path))),
        }
    }

    /// Takes a directory out again that is a stub of the view and has nothing new in it.
    fn drop_stub(&mut self, parent: &Here, name: &OsStr, inner: &Here) {
        let is_empty = self
            .draft
            .directory(inner.node)
            .is_some_and(|dir| dir.children.is_empty());
        if is_empty && inner.below.is_none() && self.is_virtual(parent, name) {
            self.draft.unset(parent.node, name.as_bytes());
        }
    }

    fn add_file(&mut self, found: &Found<'_>, file: Option<File>) -> Result<(), UpperError> {
        if let Some(node) = self.linked.get(&found.stat.st_ino) {
            self.draft
                .set(found.here.node, found.name.as_bytes(), Slot::Node(*node));
            return Ok(());
        }
        let node = match file {
            Some(file) => self.add_regular(found, file)?,
            None => Some(self.add(found, Payload::Leaf(special(found)?))),
        };
        if let Some(node) = node
            && found.stat.st_nlink > 1
        {
            self.linked.insert(found.stat.st_ino, node);
        }
        Ok(())
    }

    /// None for a stub.
    fn add_regular(
        &mut self,
        found: &Found<'_>,
        file: File,
    ) -> Result<Option<NodeIdx>, UpperError> {
        Ok(match self.source(found)? {
            Source::Stub => None,
            Source::Upper => Some(self.add_new(found, file)),
            Source::Below(kind) => Some(self.add(found, Payload::Leaf(kind))),
        })
    }

    fn source(&self, found: &Found<'_>) -> Result<Source, UpperError> {
        if found.marks.metacopy {
            return self.source_below(found);
        }
        Ok(match self.is_stub(found) {
            true => Source::Stub,
            false => Source::Upper,
        })
    }

    /// That of a file of which only the metadata was copied up.
    fn source_below(&self, found: &Found<'_>) -> Result<Source, UpperError> {
        let path = found.origin_path().unwrap_or_default();
        let origin = merge::lookup_path(merge::root(self.chain), &path);
        let kind = match origin {
            Some(Merged::File(place)) => Some(place.index(self.chain).kind(place.inode)),
            _ => None,
        };
        match kind {
            Some(kind @ NodeKind::Regular { .. }) => Ok(Source::Below(kind)),
            None if self.virtual_entries.contain(&path) => Ok(Source::Stub),
            _ => Err(UpperError::NoContents(display(path))),
        }
    }

    /// Has the contents of a file stored; until then it is an empty one.
    fn add_new(&mut self, found: &Found<'_>, file: File) -> NodeIdx {
        let empty = NodeKind::Regular {
            blob: Digest::of(b""),
            size: 0,
        };
        let node = self.add(found, Payload::Leaf(empty));
        self.contents.push(NewFile {
            scratch: found.scratch(file),
            path: found.path(),
            node,
        });
        node
    }

    fn add(&mut self, found: &Found<'_>, payload: Payload) -> NodeIdx {
        let node = self.draft.add(payload, found.metadata());
        self.draft
            .set(found.here.node, found.name.as_bytes(), Slot::Node(node));
        node
    }

    fn is_stub(&self, found: &Found<'_>) -> bool {
        found.stat.st_size == 0
            && found.below().is_none()
            && self.is_virtual(found.here, found.name)
    }

    fn is_virtual(&self, here: &Here, name: &OsStr) -> bool {
        self.virtual_entries.contain(&here.path_of(name))
    }
}

/// What a file that is not a regular one is in the layer.
fn special(found: &Found<'_>) -> Result<NodeKind, UpperError> {
    let rdev = found.stat.st_rdev;
    Ok(match found.file_type() {
        libc::S_IFLNK => NodeKind::Symlink(found.target()?),
        libc::S_IFCHR => NodeKind::CharDevice(rdev),
        libc::S_IFBLK => NodeKind::BlockDevice(rdev),
        libc::S_IFIFO => NodeKind::Fifo,
        libc::S_IFSOCK => NodeKind::Socket,
        other => return Err(UpperError::FileType(other)),
    })
}

/// How a directory joins with what lies below.
fn join_with(found: &Found<'_>, below: Option<&Origin>) -> Join {
    match below {
        Some(origin) if Some(&origin.path) == found.path_below(found.name.as_bytes()).as_ref() => {
            Join::SamePath
        }
        Some(origin) => Join::MovedFrom(origin.path.clone()),
        None if matches!(found.below(), Some(Merged::Dir(_))) => Join::Nothing,
        None => Join::SamePath,
    }
}

fn at(path: Vec<u8>) -> impl FnOnce(UpperError) -> StoreError {
    move |source| StoreError::Upper {
        path: display(path),
        source,
    }
}
