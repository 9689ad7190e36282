//! One entry of an archive, all headers that belong to it taken together.

use iechor_snapshotter::{Metadata, Timestamp};
use rustix::fs::makedev;
use tar::Header;

use crate::layer::error::Refusal;
use crate::layer::pax::Pax;
use crate::layer::sparse::SparseMap;

/// Largest number that a ustar size field holds as octal digits; some writers put it, others 0,
/// where the PAX header has a larger one.
const USTAR_MAX: u64 = 0o777_7777_7777;

/// An entry of an archive.
#[derive(Debug)]
pub(super) struct Entry {
    /// Name as written.
    pub(super) path: Vec<u8>,
    pub(super) kind: EntryKind,
    pub(super) metadata: Metadata,
}

/// What an entry makes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    /// A regular file; the contents follow, whole or by the map.
    File {
        /// Logical size in bytes.
        size: u64,
        sparse: Option<SparseMap>,
    },
    /// Another name of the file with this name.
    HardLink(Vec<u8>),
    Symlink(Vec<u8>),
    Directory,
    /// `rdev` as in `st_rdev`.
    CharDevice(u64),
    BlockDevice(u64),
    Fifo,
}

/// Headers that stand before an entry and belong to it.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    pub(super) pax: Option<Pax>,
    pub(super) long_name: Option<Vec<u8>>,
    pub(super) long_link: Option<Vec<u8>>,
}

impl Extensions {
    pub(super) fn is_empty(&self) -> bool {
        self.pax.is_none() && self.long_name.is_none() && self.long_link.is_none()
    }

    /// The entry's name: of the one header that extends it, else its own.
    pub(super) fn path(&mut self, header: &Header) -> Result<Vec<u8>, Refusal> {
        let pax = self
            .pax
            .as_mut()
            .and_then(|pax| pax.sparse.name.take().or(pax.path.take()));
        let name = only_one(pax, self.long_name.take())?;
        Ok(name.unwrap_or_else(|| header.path_bytes().into_owned()))
    }

    pub(super) fn link(&mut self, header: &Header) -> Result<Vec<u8>, Refusal> {
        let pax = self.pax.as_mut().and_then(|pax| pax.link.take());
        let name = only_one(pax, self.long_link.take())?;
        Ok(name.unwrap_or_else(|| header.link_name_bytes().unwrap_or_default().into_owned()))
    }

    /// How many bytes are stored behind the header. Two sizes that disagree are how one archive
    /// becomes two (CVE-2025-62518): refused unless the small field could not hold the size.
    pub(super) fn size(&self, header: &Header) -> Result<u64, Refusal> {
        let field = number(&header.as_old().size).ok_or(Refusal::Field("size"))?;
        match self.pax.as_ref().and_then(|pax| pax.size) {
            Some(size) if size == field => Ok(size),
            Some(size) if size > USTAR_MAX && [0, USTAR_MAX].contains(&field) => Ok(size),
            Some(_) => Err(Refusal::Ambiguous("its two sizes differ")),
            None => Ok(field),
        }
    }

    pub(super) fn metadata(&mut self, header: &Header) -> Result<Metadata, Refusal> {
        let pax = self.pax.take().unwrap_or_default();
        let old = header.as_old();
        let mode = number(&old.mode).ok_or(Refusal::Field("mode"))?;
        Ok(Metadata {
            mode: u32::try_from(mode & 0o7777).map_err(|_| Refusal::Field("mode"))?,
            uid: id(pax.uid, &old.uid)?,
            gid: id(pax.gid, &old.gid)?,
            mtime: pax.mtime.map_or_else(|| whole_seconds(&old.mtime), Ok)?,
            xattrs: pax.xattrs,
        })
    }
}

/// Two extensions of one name: readers differ about which counts.
fn only_one(pax: Option<Vec<u8>>, gnu: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, Refusal> {
    match (pax, gnu) {
        (Some(pax), Some(gnu)) if pax != gnu => Err(Refusal::Ambiguous("it has two long names")),
        (pax, gnu) => Ok(pax.or(gnu)),
    }
}

/// 0 to 2^32 - 2: the kernel takes the last number for "no one".
fn id(pax: Option<u64>, field: &[u8]) -> Result<u32, Refusal> {
    let id = pax.or_else(|| number(field)).ok_or(Refusal::Id)?;
    u32::try_from(id)
        .ok()
        .filter(|id| *id != u32::MAX)
        .ok_or(Refusal::Id)
}

fn whole_seconds(field: &[u8; 12]) -> Result<Timestamp, Refusal> {
    let secs = signed_number(field).ok_or(Refusal::Field("time"))?;
    Ok(Timestamp { secs, nanos: 0 })
}

/// Device number of a device entry.
pub(super) fn device(header: &Header) -> Result<u64, Refusal> {
    let fields = match (header.as_ustar(), header.as_gnu()) {
        (Some(ustar), _) => (ustar.dev_major, ustar.dev_minor),
        (_, Some(gnu)) => (gnu.dev_major, gnu.dev_minor),
        _ => return Err(Refusal::Field("device number")),
    };
    let part = |field: &[u8]| number(field).and_then(|number| u32::try_from(number).ok());
    match (part(&fields.0), part(&fields.1)) {
        (Some(major), Some(minor)) => Ok(makedev(major, minor)),
        _ => Err(Refusal::Field("device number")),
    }
}

/// A field of a header: octal digits, or a binary number if the first bit is set; empty is 0.
pub(super) fn number(field: &[u8]) -> Option<u64> {
    u64::try_from(signed_number(field)?).ok()
}

fn signed_number(field: &[u8]) -> Option<i64> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => binary(field),
        _ => octal(field),
    }
}

/// Two's complement, most significant byte first, without the first bit.
fn binary(field: &[u8]) -> Option<i64> {
    let (first, rest) = field.split_first()?;
    let sign_extended = i128::from(((first & 0x7f) << 1).cast_signed() >> 1);
    let value = rest.iter().try_fold(sign_extended, |value, byte| {
        value.checked_mul(256)?.checked_add(i128::from(*byte))
    })?;
    i64::try_from(value).ok()
}

fn octal(field: &[u8]) -> Option<i64> {
    let end = field
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(field.len());
    let digits = field[..end].trim_ascii();
    digits.iter().try_fold(0_i64, |value, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(i64::from(digit - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_binary() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"   644 \0"), Some(0o644));
        assert_eq!(number(b"\0\0\0\0"), Some(0));
        assert_eq!(number(b"9\0\0\0"), None);
        assert_eq!(
            number(&[0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]),
            Some(2 << 32)
        );
        assert_eq!(signed_number(&[0xff; 12]), Some(-1));
        assert_eq!(number(&[0xff; 12]), None);
        assert_eq!(number(&[0xbf; 12]), None, "larger than 64 bits");
    }
}
