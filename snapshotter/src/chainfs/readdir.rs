//! READDIR: names of a directory.

use super::attr::FileKind;
use super::directory::Directory;
use super::views::Views;
use super::{ChainFs, FsError, Ino};

/// An entry of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirEntry<'a> {
    /// Its name; `.` and `..` come first.
    pub name: &'a [u8],
    /// Its number.
    pub ino: Ino,
    /// What it is.
    pub kind: FileKind,
    /// The offset at which a listing goes on behind it. Valid for ever: what is listed at an offset
    /// never changes.
    pub next: u64,
}

/// What whoever takes entries says to each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sink {
    /// Taken; the next one may come.
    Took,
    /// There was no room for it.
    Full,
}

/// Offset of the first entry behind `.` and `..`.
const FIRST: u64 = 2;

impl ChainFs {
    /// Gives the entries of a directory from `offset` on, 0 being its beginning, until `give` is
    /// full.
    ///
    /// # Errors
    ///
    /// [`FsError::NotADirectory`]; [`FsError::Stale`].
    pub fn readdir(
        &self,
        ino: Ino,
        offset: u64,
        mut give: impl FnMut(DirEntry<'_>) -> Sink,
    ) -> Result<(), FsError> {
        if let Some(views) = self.views(ino) {
            list_views(views, offset, &mut give);
            return Ok(());
        }
        let directory = self.directory(ino)?;
        self.list(&directory, offset, &mut give);
        Ok(())
    }

    /// Gives the entries of a directory of a chain.
    pub(super) fn list(
        &self,
        directory: &Directory,
        offset: u64,
        give: &mut impl FnMut(DirEntry<'_>) -> Sink,
    ) {
        if list_dots(directory.ino, directory.parent, offset, give) == Sink::Full {
            return;
        }
        let listing = self.listings.of(directory);
        for place in offset.saturating_sub(FIRST).. {
            let Some((name, ino, kind)) = usize::try_from(place)
                .ok()
                .and_then(|place| listing.get(place))
            else {
                return;
            };
            let next = place.saturating_add(FIRST + 1);
            if give(DirEntry {
                name,
                ino,
                kind,
                next,
            }) == Sink::Full
            {
                return;
            }
        }
    }
}

/// Gives `.` and `..`, as far as they lie at or behind the offset.
fn list_dots(
    ino: Ino,
    parent: Ino,
    offset: u64,
    give: &mut impl FnMut(DirEntry<'_>) -> Sink,
) -> Sink {
    let kind = FileKind::Directory;
    for (next, name, ino) in [(1, b".".as_slice(), ino), (FIRST, b"..", parent)] {
        if offset < next
            && give(DirEntry {
                name,
                ino,
                kind,
                next,
            }) == Sink::Full
        {
            return Sink::Full;
        }
    }
    Sink::Took
}

/// Gives the views that there are now; a view's number makes its offset.
pub(super) fn list_views(views: &Views, offset: u64, give: &mut impl FnMut(DirEntry<'_>) -> Sink) {
    if list_dots(Ino::ROOT, Ino::ROOT, offset, give) == Sink::Full {
        return;
    }
    let Ok(first) = u32::try_from(offset.saturating_sub(FIRST)) else {
        return;
    };
    for (id, view) in views.from(first) {
        let name = id.to_string();
        let entry = DirEntry {
            name: name.as_bytes(),
            ino: Directory::listed_root(view).ino,
            kind: FileKind::Directory,
            next: u64::from(id.number()) + FIRST + 1,
        };
        if give(entry) == Sink::Full {
            return;
        }
    }
}
