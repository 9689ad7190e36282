//! READDIRPLUS: names of a directory, each looked up.

use super::attr::Attr;
use super::directory::Directory;
use super::lookup::{Found, directory_node};
use super::readdir::list_views;
use super::views::ViewId;
use super::{ChainFs, DirEntry, FsError, Ino, Sink};

/// An entry of a directory, looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirEntryPlus<'a> {
    /// Its name; `.` and `..` come first.
    pub name: &'a [u8],
    /// Its attributes.
    pub attr: Attr,
    /// The offset at which a listing goes on behind it.
    pub next: u64,
}

impl ChainFs {
    /// As [`ChainFs::readdir`], with attributes. Each entry that `give` took counts as one lookup,
    /// `.` and `..` apart, as the kernel counts.
    ///
    /// # Errors
    ///
    /// [`FsError::NotADirectory`]; [`FsError::Stale`].
    pub fn readdirplus(
        &self,
        ino: Ino,
        offset: u64,
        mut give: impl FnMut(DirEntryPlus<'_>) -> Sink,
    ) -> Result<(), FsError> {
        if let Some(views) = self.views(ino) {
            let find = |name: &[u8]| {
                let view = ViewId::parse(name).and_then(|id| views.get(id))?;
                Some(Found::Kept(directory_node(Directory::listed_root(view))))
            };
            list_views(views, offset, &mut |entry| {
                self.give_found(entry, find, &mut give)
            });
            return Ok(());
        }
        let directory = self.directory(ino)?;
        let find = |name: &[u8]| {
            directory
                .child(name)
                .map(|child| Found::of(&directory, child))
        };
        self.list(&directory, offset, &mut |entry| {
            self.give_found(entry, find, &mut give)
        });
        Ok(())
    }

    /// Looks an entry up and gives it.
    fn give_found(
        &self,
        entry: DirEntry<'_>,
        find: impl Fn(&[u8]) -> Option<Found>,
        give: &mut impl FnMut(DirEntryPlus<'_>) -> Sink,
    ) -> Sink {
        let DirEntry {
            name,
            ino,
            kind,
            next,
        } = entry;
        if name == b"." || name == b".." {
            return give(DirEntryPlus {
                name,
                attr: Attr::bare(ino, kind),
                next,
            });
        }
        let Some(found) = self.found(ino, || find(name)) else {
            return Sink::Took;
        };
        let taken = give(DirEntryPlus {
            name,
            attr: found.attr(),
            next,
        });
        if taken == Sink::Took {
            self.tell(found);
        }
        taken
    }

    /// A listed entry; one that is a file of a layer needs no second search for its name.
    fn found(&self, ino: Ino, find: impl FnOnce() -> Option<Found>) -> Option<Found> {
        self.file_attr(ino).map(Found::File).or_else(find)
    }
}
