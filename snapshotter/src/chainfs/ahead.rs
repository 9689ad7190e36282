//! Read-ahead from file to file.
//!
//! A layer numbers the files of a directory in the order of their names. That is the order of a
//! listing, and the one in which `grep -r`, `tar` and `cp -r` read. So who has read two files with
//! neighbouring numbers is about to read the next ones, and the disk can look for them all at once.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::Advice;

use super::ino::{Ino, Slot};
use super::{ChainFs, FileKind};

/// Larger files are left to the kernel's own read-ahead.
const SIZE_MAX: u64 = 128 * 1024;

/// Files of one layer that will be read soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    slot: Slot,
    files: Range<u32>,
}

/// Who reads one file after the other.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// Lately used last.
    known: Mutex<VecDeque<Stream>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stream {
    slot: Slot,
    /// The number behind the last one that was asked for.
    next: u32,
    /// The number behind the last one that was fetched ahead.
    fetched: u32,
    /// How many files the next fetching takes.
    window: u32,
}

impl ChainFs {
    /// Notes that the kernel asked for the beginning of a file, and tells what to
    /// [fetch](ChainFs::fetch) before it asks again.
    pub fn read_ahead(&self, ino: Ino) -> Option<Ahead> {
        self.streams.note(ino.slot(), ino.index())
    }

    /// Has the contents of small files brought from the disk into memory, without waiting for them.
    /// What cannot be had is left to who asks for it.
    pub fn fetch(&self, ahead: &Ahead) {
        for number in ahead.files.clone() {
            self.fetch_one(Ino::new(ahead.slot, number));
        }
    }

    fn fetch_one(&self, ino: Ino) -> Option<()> {
        let (layer, inode) = self.layers.file(ino)?;
        let stat = layer.index().stat(inode);
        let fits = (1..=SIZE_MAX).contains(&stat.size);
        if FileKind::of_mode(stat.mode) != FileKind::Regular || !fits {
            return None;
        }
        let file = self.blobs.get(layer.index().blob(inode)?).ok()?;
        rustix::fs::fadvise(&*file, 0, None, Advice::WillNeed).ok()
    }
}

impl Streams {
    /// How many readers are told from each other.
    const KNOWN_MAX: usize = 8;

    fn note(&self, slot: Slot, number: u32) -> Option<Ahead> {
        let mut known = self.lock();
        let place = known.iter().position(|stream| stream.expects(slot, number));
        let mut stream = match place {
            Some(place) => known.remove(place)?,
            None => Stream::new(slot),
        };
        let ahead = match place {
            Some(_) => stream.go_on(number),
            None => stream.begin(number),
        };
        if known.len() == Self::KNOWN_MAX {
            known.pop_front();
        }
        known.push_back(stream);
        ahead
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Stream>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream {
    /// Files of the first fetching, and of the largest.
    const FIRST: u32 = 8;
    const LARGEST: u32 = 128;
    /// How many files may be skipped: links, empty ones, and those that the kernel has.
    const GAP: u32 = 4;

    fn new(slot: Slot) -> Self {
        Self {
            slot,
            next: 0,
            fetched: 0,
            window: Self::FIRST,
        }
    }

    fn expects(&self, slot: Slot, number: u32) -> bool {
        let end = self.fetched.max(self.next).saturating_add(Self::GAP);
        self.slot == slot && (self.next..=end).contains(&number)
    }

    fn begin(&mut self, number: u32) -> Option<Ahead> {
        self.next = number.saturating_add(1);
        self.fetched = self.next;
        None
    }

    fn go_on(&mut self, number: u32) -> Option<Ahead> {
        self.next = number.saturating_add(1);
        // Half of what was fetched is still ahead: that is enough.
        if self.fetched.saturating_sub(self.next) > self.window / 2 {
            return None;
        }
        let start = self.fetched.max(self.next);
        let files = start..self.next.saturating_add(self.window).max(start);
        self.window = (self.window * 2).min(Self::LARGEST);
        self.fetched = files.end;
        (!files.is_empty()).then_some(Ahead {
            slot: self.slot,
            files,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(number: usize) -> Slot {
        Slot::new(number).unwrap()
    }

    /// What is fetched for a reader of these files, each time as (first, last + 1).
    fn fetched(numbers: impl IntoIterator<Item = u32>) -> Vec<(u32, u32)> {
        let streams = Streams::default();
        let ahead = |number| streams.note(slot(1), number);
        let fetched = numbers.into_iter().filter_map(ahead);
        fetched
            .map(|ahead| (ahead.files.start, ahead.files.end))
            .collect()
    }

    #[test]
    fn two_neighbours_begin_a_stream() {
        assert_eq!(fetched([7]), []);
        assert_eq!(fetched([7, 8]), [(9, 17)]);
        assert_eq!(fetched([7, 12]), [(13, 21)]);
    }

    #[test]
    fn files_here_and_there_fetch_nothing() {
        assert_eq!(fetched([70, 7, 30, 100, 50, 7, 6]), []);
    }

    #[test]
    fn a_reader_who_goes_on_has_more_and_more_fetched_and_nothing_twice() {
        let fetched = fetched(0..1000);
        assert_eq!(fetched[..2], [(2, 10), (10, 19)]);
        assert!(fetched.windows(2).all(|pair| pair[0].1 == pair[1].0));
        let longest = fetched.iter().map(|(start, end)| end - start).max();
        assert!(longest <= Some(Stream::LARGEST));
        assert!(fetched.last().unwrap().1 >= 1000);
    }

    #[test]
    fn readers_are_told_from_each_other() {
        let streams = Streams::default();
        for number in 0..2 {
            let one = streams.note(slot(1), 10 + number);
            let other = streams.note(slot(2), 10 + number);
            let third = streams.note(slot(1), 500 + number);
            let all = [one, other, third].map(|ahead| ahead.is_some());
            assert_eq!(all, [number == 1; 3]);
        }
    }

    #[test]
    fn no_more_readers_are_known_than_said() {
        let streams = Streams::default();
        for number in 0..100 {
            streams.note(slot(1), number * 100);
        }
        assert_eq!(streams.lock().len(), Streams::KNOWN_MAX);
        assert!(streams.note(slot(1), 1).is_none());
    }

    #[test]
    fn the_last_numbers_do_not_overflow() {
        assert!(fetched([u32::MAX - 1, u32::MAX, u32::MAX]).len() <= 3);
    }
}
