//! Sparse files in archives: GNU's old form and the PAX forms 0.0, 0.1 and 1.0.

use std::io::{self, Read};

use crate::layer::error::Refusal;
use crate::layer::limits::Limits;
use crate::layer::pax::{PaxError, digits};

/// Where the stored bytes of a sparse file belong; the rest is holes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct SparseMap {
    /// Logical size of the file.
    pub(super) size: u64,
    /// Offset and length of each run of stored bytes.
    pub(super) segments: Vec<(u64, u64)>,
}

/// What the records `GNU.sparse.*` say.
#[derive(Debug, Default)]
pub(super) struct PaxSparse {
    pub(super) name: Option<Vec<u8>>,
    major: Option<u64>,
    minor: Option<u64>,
    size: Option<u64>,
    map: Vec<u64>,
    is_present: bool,
}

/// How the map of a sparse file is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PaxForm {
    /// Not at all: the file is not sparse.
    Plain,
    /// In the header (0.0 and 0.1).
    Map(SparseMap),
    /// At the beginning of the contents (1.0); the logical size is given.
    InContents(u64),
}

impl PaxSparse {
    pub(super) fn set(
        &mut self,
        key: &[u8],
        value: &[u8],
        limits: &Limits,
    ) -> Result<(), PaxError> {
        let number = || digits(value).ok_or(Refusal::SparseMap);
        self.is_present = true;
        match key {
            b"name" if !value.is_empty() && !value.contains(&0) => self.name = Some(value.to_vec()),
            b"major" => self.major = Some(number()?),
            b"minor" => self.minor = Some(number()?),
            b"size" | b"realsize" => self.size = Some(number()?),
            b"offset" | b"numbytes" => self.map.push(number()?),
            b"map" => self.map = parse_map(value, b',').ok_or(Refusal::SparseMap)?,
            b"numblocks" => {}
            _ => return Err(Refusal::SparseMap.into()),
        }
        match self.map.len() > limits.sparse_segments * 2 {
            true => Err(PaxError::Limit("sparse_segments", limits.sparse_segments)),
            false => Ok(()),
        }
    }

    /// Which form it is.
    pub(super) fn form(&self) -> Result<PaxForm, Refusal> {
        match (
            self.is_present,
            self.major.unwrap_or(0),
            self.minor.unwrap_or(0),
            self.size,
        ) {
            (false, ..) => Ok(PaxForm::Plain),
            (true, 0, _, Some(size)) => SparseMap::from_pairs(size, &self.map).map(PaxForm::Map),
            (true, 1, 0, Some(size)) => Ok(PaxForm::InContents(size)),
            _ => Err(Refusal::SparseMap),
        }
    }
}

impl SparseMap {
    /// A map of offsets and lengths, one after the other: ascending, disjoint, inside the file.
    pub(super) fn from_pairs(size: u64, numbers: &[u64]) -> Result<Self, Refusal> {
        if !numbers.len().is_multiple_of(2) {
            return Err(Refusal::SparseMap);
        }
        let mut end = 0;
        let mut segments = Vec::with_capacity(numbers.len() / 2);
        for pair in numbers.chunks_exact(2) {
            let (offset, length) = (pair[0], pair[1]);
            if offset < end {
                return Err(Refusal::SparseMap);
            }
            end = offset
                .checked_add(length)
                .filter(|end| *end <= size)
                .ok_or(Refusal::SparseMap)?;
            segments.push((offset, length));
        }
        Ok(Self { size, segments })
    }

    /// How many bytes are stored.
    pub(super) fn stored(&self) -> u64 {
        self.segments.iter().map(|(_, length)| length).sum()
    }
}

fn parse_map(text: &[u8], separator: u8) -> Option<Vec<u64>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    text.split(|byte| *byte == separator).map(digits).collect()
}

/// Reads the map at the beginning of the contents (form 1.0): the number of segments, then offset
/// and length of each, one number a line, padded to a whole block. None when it is malformed.
pub(super) fn read_map(
    contents: &mut impl Read,
    max_segments: usize,
) -> io::Result<Option<Vec<u64>>> {
    let mut reader = MapReader {
        contents,
        block: [0; 512],
        at: 512,
    };
    let Some(count) = reader
        .number()?
        .filter(|count| *count <= max_segments as u64)
    else {
        return Ok(None);
    };
    let mut numbers = Vec::new();
    for _ in 0..count * 2 {
        match reader.number()? {
            Some(number) => numbers.push(number),
            None => return Ok(None),
        }
    }
    Ok(Some(numbers))
}

/// Reads numbers from whole blocks.
struct MapReader<'a, R> {
    contents: &'a mut R,
    block: [u8; 512],
    at: usize,
}

impl<R: Read> MapReader<'_, R> {
    fn number(&mut self) -> io::Result<Option<u64>> {
        let mut text = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => return Ok(digits(&text)),
                _ if text.len() >= 20 => return Ok(None),
                digit => text.push(digit),
            }
        }
    }

    fn byte(&mut self) -> io::Result<u8> {
        if self.at == self.block.len() {
            self.contents.read_exact(&mut self.block)?;
            self.at = 0;
        }
        self.at += 1;
        Ok(self.block[self.at - 1])
    }
}
