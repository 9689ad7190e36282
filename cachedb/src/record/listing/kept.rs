//! The file beside the database in which the last listing of a large one is kept.
//!
//! ```text
//! Header ‖ records ‖ lengths of the texts ‖ texts
//! ```
//!
//! Records are read in place, which takes a hundredth of the time that SQLite takes. The file is
//! nothing but a copy: one of another database or of another boot counts as none. What is pruned is
//! looked up once more in the database, in the transaction that removes it.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use iechor_snapshotter::kept::{KeptFile, Magic};
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::mark::Mark;
use super::texts::Texts;
use super::{ListedRecord, Listing, Rows};

const MAGIC: &Magic = b"iechor listing 1";

/// A listing as it was at a mark.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) mark: Mark,
    pub(super) listing: Listing,
}

#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Header {
    database: [u8; 16],
    /// As a text; zeros follow it.
    boot: [u8; 64],
    removed: U64,
    uses: U64,
    rows: U32,
    texts: U32,
}

/// The records of a listing that was kept, where they are in the file.
#[derive(Debug)]
pub(super) struct KeptRows {
    file: KeptFile,
    range: Range<usize>,
}

impl Kept {
    /// Maps the file; none where there is none that can be used.
    pub(super) fn open(path: &Path) -> Option<Self> {
        let file = KeptFile::open(path, MAGIC)?;
        let (header, rest) = Header::ref_from_prefix(file.contents()).ok()?;
        let (rows, rest) =
            <[ListedRecord]>::ref_from_prefix_with_elems(rest, header.rows.get() as usize).ok()?;
        let (lengths, text) =
            <[U32]>::ref_from_prefix_with_elems(rest, header.texts.get() as usize).ok()?;
        let texts = texts(lengths, text)?;
        if !are_linked(rows, &texts) {
            return None;
        }
        let begin = size_of::<Header>();
        let range = begin..begin + size_of_val(rows);
        let mark = header.mark()?;
        let rows = Rows::Kept(KeptRows { file, range });
        let listing = Listing { rows, texts };
        Some(Self { mark, listing })
    }
}

impl KeptRows {
    pub(super) fn get(&self) -> &[ListedRecord] {
        let bytes = &self.file.contents()[self.range.clone()];
        // It was a whole number of records when the file was opened.
        <[ListedRecord]>::ref_from_bytes(bytes).unwrap_or_default()
    }
}

/// Replaces the file. One that cannot be written is not missed.
pub(super) fn write(path: &Path, mark: &Mark, listing: &Listing) {
    let texts = listing.texts.all();
    let lengths = texts.iter().map(|text| u32::try_from(text.len()));
    let lengths: Result<Vec<_>, _> = lengths.map(|length| length.map(U32::new)).collect();
    // More records or longer texts than fit are more than anybody has.
    if let (Some(header), Ok(lengths)) = (Header::of(mark, listing), lengths) {
        let text: String = texts.iter().map(|text| &**text).collect();
        let rows = listing.rows().as_bytes();
        let parts = [header.as_bytes(), rows, lengths.as_bytes(), text.as_bytes()];
        let _ = KeptFile::replace(path, MAGIC, &parts);
    }
}

/// Whether records are in their order, and name only parents before them and texts that there are.
fn are_linked(rows: &[ListedRecord], texts: &Texts) -> bool {
    let mut rows = rows.iter().enumerate();
    let in_order = rows
        .clone()
        .is_sorted_by(|(_, one), (_, other)| one.id() < other.id());
    in_order && rows.all(|(at, row)| row.fits(at, texts))
}

fn texts(lengths: &[U32], text: &[u8]) -> Option<Texts> {
    let mut rest = str::from_utf8(text).ok()?;
    let cut = |length: &U32| {
        let (text, after) = rest.split_at_checked(length.get() as usize)?;
        rest = after;
        Some(Arc::from(text))
    };
    lengths
        .iter()
        .map(cut)
        .collect::<Option<_>>()
        .map(Texts::of)
}

impl Header {
    fn of(mark: &Mark, listing: &Listing) -> Option<Self> {
        let mut boot = [0; 64];
        let id = mark.boot.as_bytes();
        boot.get_mut(..id.len())?.copy_from_slice(id);
        Some(Self {
            database: mark.database,
            boot,
            removed: mark.removed.into(),
            uses: mark.uses.into(),
            rows: u32::try_from(listing.rows().len()).ok()?.into(),
            texts: u32::try_from(listing.texts.all().len()).ok()?.into(),
        })
    }

    fn mark(&self) -> Option<Mark> {
        let boot = str::from_utf8(&self.boot).ok()?;
        Some(Mark {
            database: self.database,
            boot: boot.trim_end_matches('\0').to_owned(),
            removed: self.removed.get(),
            uses: self.uses.get(),
        })
    }
}
