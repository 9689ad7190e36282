//! Inode numbers of a session.

use std::fmt;

/// A range of 2^32 inode numbers with one owner: a layer for its files, a view for the directories
/// of one of its layers, a view for its virtual entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Slot(u32);

impl Slot {
    /// Slots end here: overlayfs with `xino=on` needs the two highest bits of an inode number.
    const END: u32 = 1 << 30;

    /// The slot with this number; none when the numbers are used up.
    pub(super) fn new(number: usize) -> Option<Self> {
        u32::try_from(number)
            .ok()
            .filter(|number| *number < Self::END)
            .map(Self)
    }

    pub(super) fn number(self) -> usize {
        self.0 as usize
    }

    /// The slot `n` places further; the caller has reserved it.
    pub(super) fn plus(self, n: usize) -> Self {
        Self(self.0.wrapping_add(n as u32))
    }
}

/// An inode number of a session: a slot and a place in it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ino(u64);

impl Ino {
    /// The root (`FUSE_ROOT_ID`). Its slot, 0, belongs to nobody.
    pub const ROOT: Self = Self(1);

    pub(super) fn new(slot: Slot, index: u32) -> Self {
        Self(u64::from(slot.0) << 32 | u64::from(index))
    }

    /// The number as the kernel has it.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// A number that came from the kernel.
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    pub(super) fn slot(self) -> Slot {
        Slot((self.0 >> 32) as u32)
    }

    pub(super) fn index(self) -> u32 {
        self.0 as u32
    }
}

impl fmt::Debug for Ino {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ino({}:{})", self.slot().0, self.index())
    }
}
