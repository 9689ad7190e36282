//! A census as it is kept, and read in place.
//!
//! ```text
//! Header ‖ ids ‖ order of the ids ‖ layers ‖ names ‖ blobs
//! ```
//!
//! A layer stands next to those of its chain, a blob next to those that the same layers name, and
//! what is looked for apart from what is read then. So who goes through the layers in the order in
//! which builds made them finds nearly all of it near the processor.

use std::io;
use std::ops::Range;
use std::path::Path;

use iechor_snapshotter::kept::{KeptFile, Magic};
use iechor_snapshotter::{Digest, SnapshotId};
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::shelf::{Shelf, Times};
use crate::usage::ledger::Share;

const MAGIC: &Magic = b"iechor census 3\n";

/// Stands for no layer. A store of 2^32 layers has 16 TiB at the least, in blocks of 4 KiB.
const NONE: U32 = U32::MAX_VALUE;

#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Header {
    layers: U32,
    names: U32,
    blobs: U32,
    /// Times of the directories: of the layers, of the blobs.
    shelves: [Times; 2],
}

/// What is known of a layer, besides its id.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub(super) struct CountedLayer {
    index: U64,
    own: U64,
    shared: U64,
    parent: U32,
    /// Where its blobs end among the names; they begin where those of the one before end.
    names_end: U32,
}

/// A blob as it was found.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub(super) struct CountedBlob {
    pub(super) digest: Digest,
    bytes: U64,
}

impl CountedLayer {
    /// A layer of which nothing else is known yet.
    pub(super) fn new(index: u64, parent: Option<usize>, names_end: usize) -> Self {
        let parent = parent.and_then(|at| u32::try_from(at).ok());
        Self {
            index: index.into(),
            own: index.into(),
            shared: U64::ZERO,
            parent: parent.map_or(NONE, U32::new),
            names_end: u32::try_from(names_end).unwrap_or(u32::MAX).into(),
        }
    }

    /// Bytes of its index.
    pub(super) fn index(&self) -> u64 {
        self.index.get()
    }

    /// Bytes that only it has (its index, and blobs that no other layer names), and bytes of blobs
    /// that others name as well.
    pub(super) fn share(&self) -> Share {
        Share {
            own: self.own.get(),
            shared: self.shared.get(),
        }
    }

    pub(super) fn add_own(&mut self, bytes: u64) {
        self.own += bytes;
    }

    pub(super) fn add_shared(&mut self, bytes: u64) {
        self.shared += bytes;
    }

    /// Position of the layer that it lies on.
    pub(super) fn parent(&self) -> Option<usize> {
        (self.parent != NONE).then_some(self.parent.get() as usize)
    }
}

impl CountedBlob {
    pub(super) fn new(digest: Digest, bytes: u64) -> Self {
        let bytes = bytes.into();
        Self { digest, bytes }
    }

    /// Bytes of it on the disk; none where there is none.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.get()
    }
}

/// Where the blobs of the layer at a position stand among the names.
pub(super) fn names_of(layers: &[CountedLayer], at: usize) -> Range<usize> {
    let before = at.checked_sub(1).and_then(|before| layers.get(before));
    let begin = before.map_or(0, |before| before.names_end.get() as usize);
    begin..layers[at].names_end.get() as usize
}

/// The tables of a census.
#[derive(Debug)]
pub(super) struct Tables {
    bytes: Bytes,
    ids: Range<usize>,
    by_id: Range<usize>,
    layers: Range<usize>,
    names: Range<usize>,
    blobs: Range<usize>,
}

#[derive(Debug)]
enum Bytes {
    /// Where they were kept.
    Kept(KeptFile),
    /// As they are to be kept.
    Made(Vec<u8>),
}

impl Default for Tables {
    /// Of a store in which nothing was found.
    fn default() -> Self {
        Self::of(&[], &[], &[], &[], [&Shelf::default(), &Shelf::default()])
    }
}

impl Tables {
    /// `shelves` are that of the layers and that of the blobs.
    pub(super) fn of(
        ids: &[Digest],
        layers: &[CountedLayer],
        names: &[U32],
        blobs: &[CountedBlob],
        shelves: [&Shelf; 2],
    ) -> Self {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).into();
        let header = Header {
            layers: count(layers.len()),
            names: count(names.len()),
            blobs: count(blobs.len()),
            shelves: shelves.map(Shelf::times),
        };
        let mut by_id: Vec<U32> = (0..header.layers.get()).map(U32::new).collect();
        by_id.sort_unstable_by_key(|at| &ids[at.get() as usize]);
        let tables = [
            ids.as_bytes(),
            by_id.as_bytes(),
            layers.as_bytes(),
            names.as_bytes(),
            blobs.as_bytes(),
        ];
        let bytes = [header.as_bytes(), &tables.concat()].concat();
        Self::framed(&header, Bytes::Made(bytes))
    }

    /// Maps the last census; none where there is none that is whole.
    pub(super) fn open(path: &Path) -> Option<Self> {
        let file = KeptFile::open(path, MAGIC)?;
        let (header, _) = Header::read_from_prefix(file.contents()).ok()?;
        let tables = Self::framed(&header, Bytes::Kept(file));
        let is_whole = tables.blobs.end == tables.bytes.get().len();
        (is_whole && tables.are_linked()).then_some(tables)
    }

    fn framed(header: &Header, bytes: Bytes) -> Self {
        let after =
            |begin: usize, count: U32, size: usize| begin..begin + count.get() as usize * size;
        let ids = after(size_of::<Header>(), header.layers, size_of::<Digest>());
        let by_id = after(ids.end, header.layers, size_of::<U32>());
        let layers = after(by_id.end, header.layers, size_of::<CountedLayer>());
        let names = after(layers.end, header.names, size_of::<U32>());
        let blobs = after(names.end, header.blobs, size_of::<CountedBlob>());
        Self {
            bytes,
            ids,
            by_id,
            layers,
            names,
            blobs,
        }
    }

    /// Replaces the last census in one step.
    pub(super) fn keep(&self, path: &Path) -> io::Result<()> {
        KeptFile::replace(path, MAGIC, &[self.bytes.get()])
    }

    /// Of the layers, in their order.
    pub(super) fn ids(&self) -> &[Digest] {
        self.table(&self.ids)
    }

    /// The snapshot whose layer has a position.
    pub(super) fn id(&self, at: usize) -> SnapshotId {
        SnapshotId::new(self.ids()[at])
    }

    /// Positions of the layers, in the order of their ids.
    pub(super) fn by_id(&self) -> &[U32] {
        self.table(&self.by_id)
    }

    pub(super) fn layers(&self) -> &[CountedLayer] {
        self.table(&self.layers)
    }

    /// Positions of blobs: those of a layer stand together, in the order of the layers.
    pub(super) fn names(&self) -> &[U32] {
        self.table(&self.names)
    }

    pub(super) fn blobs(&self) -> &[CountedBlob] {
        self.table(&self.blobs)
    }

    /// What the layer at a position names.
    pub(super) fn names_at(&self, at: usize) -> &[U32] {
        &self.names()[names_of(self.layers(), at)]
    }

    /// The directories of the layers as they were listed.
    pub(super) fn layer_shelf(&self) -> Shelf {
        self.shelf(0)
    }

    /// The directories of the blobs as they were listed.
    pub(super) fn blob_shelf(&self) -> Shelf {
        self.shelf(1)
    }

    fn shelf(&self, which: usize) -> Shelf {
        let header = Header::ref_from_prefix(self.bytes.get());
        header.map_or_else(
            |_| Shelf::default(),
            |(header, _)| Shelf::of(&header.shelves[which]),
        )
    }

    /// Its range was found to be whole when the tables were made.
    fn table<T: FromBytes + Immutable + KnownLayout + Unaligned>(
        &self,
        range: &Range<usize>,
    ) -> &[T] {
        let bytes = self.bytes.get().get(range.clone()).unwrap_or_default();
        <[T]>::ref_from_bytes(bytes).unwrap_or_default()
    }

    /// Whether every position that a record names is one.
    fn are_linked(&self) -> bool {
        let (layers, names, blobs) = (self.layers(), self.names(), self.blobs());
        let names_end = |layer: &CountedLayer| layer.names_end.get() as usize;
        let has_parent = |layer: &CountedLayer| layer.parent().is_none_or(|at| at < layers.len());
        layers.last().map_or(0, names_end) == names.len()
            && layers.is_sorted_by_key(names_end)
            && self.are_ordered()
            && layers.iter().all(has_parent)
            && names.iter().all(|name| (name.get() as usize) < blobs.len())
    }
}

impl Tables {
    /// Whether the order of the ids is one, of all of them.
    fn are_ordered(&self) -> bool {
        let (ids, by_id) = (self.ids(), self.by_id());
        let id = |at: &U32| ids.get(at.get() as usize);
        by_id.iter().all(|at| id(at).is_some())
            && by_id.is_sorted_by(|one, other| id(one) < id(other))
    }
}

impl Bytes {
    fn get(&self) -> &[u8] {
        match self {
            Self::Kept(file) => file.contents(),
            Self::Made(bytes) => bytes,
        }
    }
}
