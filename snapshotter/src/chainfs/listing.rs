//! Sorted listings of directories.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::attr::FileKind;
use super::directory::{Directory, Named};
use super::ino::Ino;

/// The names of a directory in order: 16 bytes an entry, and the names.
#[derive(Debug)]
pub(super) struct Listing {
    entries: Box<[Entry]>,
    names: Box<[u8]>,
}

#[derive(Debug)]
struct Entry {
    ino: Ino,
    /// Where its name ends in `names`; it begins where the last one ends.
    name_end: u32,
    kind: FileKind,
}

impl Listing {
    fn of(directory: &Directory) -> Self {
        let mut names = Vec::new();
        let entries = directory.names().into_iter().map(|(name, ino, kind)| {
            names.extend_from_slice(name);
            // The names of a directory come from text sections, which have 32-bit offsets each;
            // only a hostile chain gets here with more, and then shows what fits.
            let name_end = u32::try_from(names.len()).unwrap_or(u32::MAX);
            Entry {
                ino,
                name_end,
                kind,
            }
        });
        let entries = entries.collect();
        Self {
            entries,
            names: names.into(),
        }
    }

    fn len(&self) -> usize {
        self.entries.len()
    }

    /// The entry at a place.
    pub(super) fn get(&self, place: usize) -> Option<Named<'_>> {
        let Entry {
            ino,
            name_end,
            kind,
        } = self.entries.get(place)?;
        let start = match place.checked_sub(1) {
            Some(before) => self.entries.get(before)?.name_end,
            None => 0,
        };
        let name = self.names.get(start as usize..*name_end as usize)?;
        Some((name, *ino, *kind))
    }
}

/// The listings used last. One that was dropped is made again, with the same entries at the same
/// places, so that a position in a directory means the same for ever.
#[derive(Debug, Default)]
pub(super) struct Listings {
    kept: Mutex<VecDeque<(Ino, Arc<Listing>)>>,
}

impl Listings {
    /// How many listings are kept.
    const DIRECTORIES_MAX: usize = 64;
    /// How many entries they may have together, the newest listing apart.
    const ENTRIES_MAX: usize = 1 << 20;

    /// The listing of a directory.
    pub(super) fn of(&self, directory: &Directory) -> Arc<Listing> {
        if let Some(kept) = self.take(directory.ino) {
            return self.keep(directory.ino, kept);
        }
        // Made outside of the lock: a large directory must not hold up the others.
        self.keep(directory.ino, Arc::new(Listing::of(directory)))
    }

    fn take(&self, ino: Ino) -> Option<Arc<Listing>> {
        let mut kept = self.lock();
        let place = kept.iter().position(|(other, _)| *other == ino)?;
        kept.remove(place).map(|(_, listing)| listing)
    }

    /// Puts a listing at the front and drops from the back what is too much.
    fn keep(&self, ino: Ino, listing: Arc<Listing>) -> Arc<Listing> {
        let mut kept = self.lock();
        kept.push_front((ino, Arc::clone(&listing)));
        let mut entries = 0;
        let within = kept
            .iter()
            .take(Self::DIRECTORIES_MAX)
            .take_while(|(_, listing)| {
                entries += listing.len();
                entries <= Self::ENTRIES_MAX
            });
        let within = within.count().max(1);
        kept.truncate(within);
        listing
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Ino, Arc<Listing>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
