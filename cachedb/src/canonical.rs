//! The canonical encoding that keys and file sets are hashed and stored in.
//!
//! Integers are little-endian and of fixed width; byte strings and lists are preceded by their
//! length as a `u64`; alternatives by a tag byte. So no two different values encode alike.

/// Writes the canonical encoding.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(capacity),
        }
    }

    pub(crate) fn tag(&mut self, tag: u8) {
        self.bytes.push(tag);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn i64(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn len(&mut self, len: usize) {
        self.u64(len as u64);
    }

    pub(crate) fn string(&mut self, string: &[u8]) {
        self.len(string.len());
        self.bytes.extend_from_slice(string);
    }

    /// Bytes of a fixed number, without a length.
    pub(crate) fn fixed(&mut self, bytes: &[u8; 32]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// The bytes are not what [`Encoder`] wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not in canonical encoding")]
pub(crate) struct NotCanonical;

/// Reads the canonical encoding back; never panics, whatever the bytes.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn tag(&mut self) -> Result<u8, NotCanonical> {
        self.array::<1>().map(|[tag]| tag)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, NotCanonical> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, NotCanonical> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, NotCanonical> {
        self.array().map(i64::from_le_bytes)
    }

    pub(crate) fn len(&mut self) -> Result<usize, NotCanonical> {
        self.u64()
            .and_then(|len| usize::try_from(len).map_err(|_| NotCanonical))
    }

    pub(crate) fn string(&mut self) -> Result<&'a [u8], NotCanonical> {
        let len = self.len()?;
        self.take(len)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], NotCanonical> {
        self.take(N)?.try_into().map_err(|_| NotCanonical)
    }

    /// Room to reserve for `count` items that take at least `each` bytes: never more than can come.
    pub(crate) fn capacity(&self, count: usize, each: usize) -> usize {
        count.min(self.rest.len() / each)
    }

    /// Says that nothing may follow.
    pub(crate) fn end(&self) -> Result<(), NotCanonical> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(NotCanonical)
        }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], NotCanonical> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(NotCanonical)?;
        self.rest = rest;
        Ok(taken)
    }
}
