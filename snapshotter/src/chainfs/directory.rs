//! A directory as a view shows it.

use std::sync::Arc;

use super::attr::{Attr, FileKind};
use super::ino::Ino;
use super::stubs::{StubIdx, Stubs, VirtualKind};
use super::views::View;
use crate::chain::Chain;
use crate::merge::{self, Merged, MergedDir, Place};

/// A directory of a view: what the chain has merged, and the virtual entries on the same path.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) ino: Ino,
    /// Number of the directory that has it.
    pub(super) parent: Ino,
    pub(super) view: Arc<View>,
    /// Without any layer for a directory that is virtual itself.
    merged: MergedDir,
    /// Virtual entries below this path.
    stub: Option<StubIdx>,
}

/// What a name in a directory stands for.
#[derive(Debug)]
pub(super) enum Child {
    Directory(Directory),
    /// Anything but a directory, at its place in the chain.
    File(Place),
    /// A virtual file.
    Stub(StubIdx),
}

/// A name of a directory, its number and what it is.
pub(super) type Named<'a> = (&'a [u8], Ino, FileKind);

impl Directory {
    /// The root of a view under the number that the session gives it.
    pub(super) fn root(view: Arc<View>, ino: Ino) -> Self {
        let merged = merge::root(&view.chain);
        Self {
            ino,
            parent: Ino::ROOT,
            view,
            merged,
            stub: Some(Stubs::ROOT),
        }
    }

    /// The root of a view in a list of views.
    pub(super) fn listed_root(view: Arc<View>) -> Self {
        let ino = match merge::root(&view.chain).top() {
            Some(place) => view.dir_ino(place),
            None => view.stub_ino(Stubs::ROOT),
        };
        Self::root(view, ino)
    }

    /// Attributes; those of the topmost layer that has the directory.
    pub(super) fn attr(&self) -> Attr {
        let Some(place) = self.top() else {
            return Attr::bare(self.ino, FileKind::Directory);
        };
        let mut attr = Attr::of_stat(self.ino, &place.index(&self.view.chain).stat(place.inode));
        if self.merges() {
            attr.nlink = 1;
        }
        attr
    }

    /// Where the metadata is; none for a virtual directory.
    pub(super) fn top(&self) -> Option<Place> {
        self.merged.top()
    }

    /// What a name stands for; none when nothing shows.
    pub(super) fn child(&self, name: &[u8]) -> Option<Child> {
        let stub = self.stub.and_then(|stub| self.view.stubs.child(stub, name));
        match merge::lookup(&self.merged, name) {
            Some(Merged::File(place)) => Some(Child::File(place)),
            Some(Merged::Dir(merged)) => Some(Child::Directory(self.subdirectory(merged, stub))),
            None => stub.map(|stub| self.virtual_child(stub)),
        }
    }

    /// Everything that shows, sorted by name as bytes.
    pub(super) fn names(&self) -> Vec<Named<'_>> {
        let chain = &self.view.chain;
        let real = merge::entries(&self.merged).into_iter();
        let mut names: Vec<Named<'_>> = real
            .map(|(name, place)| {
                let kind = FileKind::of_mode(place.index(chain).stat(place.inode).mode);
                let ino = match kind {
                    FileKind::Directory => self.view.dir_ino(place),
                    _ => self.view.file_ino(place),
                };
                (name, ino, kind)
            })
            .collect();
        self.add_virtual_names(&mut names);
        names
    }

    fn add_virtual_names<'a>(&'a self, names: &mut Vec<Named<'a>>) {
        let Some(stub) = self.stub else { return };
        for (name, child) in self.view.stubs.children(stub) {
            if let Err(gap) = names.binary_search_by(|(other, ..)| (*other).cmp(name)) {
                let kind = match self.view.stubs.kind(child) {
                    VirtualKind::Directory => FileKind::Directory,
                    VirtualKind::File => FileKind::Regular,
                };
                names.insert(gap, (name, self.view.stub_ino(child), kind));
            }
        }
    }

    /// Whether the link count of the topmost layer is not that of all.
    fn merges(&self) -> bool {
        let adds = |stub| self.view.stubs.children(stub).next().is_some();
        self.merged.stack().len() > 1 || self.stub.is_some_and(adds)
    }

    fn subdirectory(&self, merged: MergedDir, stub: Option<StubIdx>) -> Self {
        let ino = match (merged.top(), stub) {
            (Some(place), _) => self.view.dir_ino(place),
            (None, Some(stub)) => self.view.stub_ino(stub),
            (None, None) => self.ino,
        };
        Self {
            ino,
            parent: self.ino,
            view: Arc::clone(&self.view),
            merged,
            stub,
        }
    }

    fn virtual_child(&self, stub: StubIdx) -> Child {
        match self.view.stubs.kind(stub) {
            VirtualKind::File => Child::Stub(stub),
            VirtualKind::Directory => {
                let nothing = merge::root(&Chain::empty());
                Child::Directory(self.subdirectory(nothing, Some(stub)))
            }
        }
    }
}
