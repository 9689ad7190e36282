//! Reads the entries of a tar archive: ustar, GNU and PAX.
//!
//! Where readers of tar archives differ about what an archive means, it is refused here: a scanner
//! and a builder must not see two different images in one file (T5).

use std::io::{self, Read};

use tar::{GnuExtSparseHeader, GnuHeader, Header};

use crate::layer::entry::{self, Entry, EntryKind, Extensions, number};
use crate::layer::error::{Refusal, UnpackError};
use crate::layer::limits::Limits;
use crate::layer::pax::{self, Pax, PaxError};
use crate::layer::sparse::{self, PaxForm, SparseMap};

const BLOCK: usize = 512;

/// The entries of an archive, one after the other.
pub(super) struct Entries<'a, R> {
    input: R,
    limits: &'a Limits,
    /// Bytes read so far.
    offset: u64,
    /// Bytes of the current entry's contents that nobody has read.
    unread: u64,
    /// Zero bytes after them, up to the next block.
    padding: u64,
    entries: u64,
    logical_bytes: u64,
    /// Bytes of extended headers before the coming entry.
    header_bytes: u64,
}

impl<'a, R: Read> Entries<'a, R> {
    pub(super) fn new(input: R, limits: &'a Limits) -> Self {
        Self {
            input,
            limits,
            offset: 0,
            unread: 0,
            padding: 0,
            entries: 0,
            logical_bytes: 0,
            header_bytes: 0,
        }
    }

    /// The next entry; none at the end of the archive, with the input read to its end.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, UnpackError> {
        let mut extensions = Extensions::default();
        self.header_bytes = 0;
        loop {
            self.skip_rest()?;
            let Some(header) = self.header()? else {
                return self.end(&extensions).map(|()| None);
            };
            match header.entry_type().as_byte() {
                b'x' => self.pax(&header, &mut extensions)?,
                b'g' => self.global(&header)?,
                b'L' => extensions.long_name = Some(self.long(&header, &extensions.long_name)?),
                b'K' => extensions.long_link = Some(self.long(&header, &extensions.long_link)?),
                _ => return self.entry(&header, extensions).map(Some),
            }
        }
    }

    /// An extension that extends nothing, and data after the end, are both refused.
    fn end(&mut self, extensions: &Extensions) -> Result<(), UnpackError> {
        if !extensions.is_empty() {
            return Err(UnpackError::Truncated {
                offset: self.offset,
            });
        }
        let offset = self.offset;
        let mut buffer = [0; 8192];
        loop {
            match self
                .input
                .read(&mut buffer)
                .map_err(|error| self.broken(error))?
            {
                0 => return Ok(()),
                n if buffer[..n].iter().all(|byte| *byte == 0) => {}
                _ => return Err(UnpackError::TrailingData { offset }),
            }
        }
    }

    fn pax(&mut self, header: &Header, extensions: &mut Extensions) -> Result<(), UnpackError> {
        let refuse = |refusal: Refusal| refusal.of(&header.path_bytes());
        if extensions.pax.is_some() {
            return Err(refuse(Refusal::Ambiguous("it has two extended headers")));
        }
        let bytes = self.extension(header)?;
        let pax = Pax::parse(&bytes, self.limits).map_err(|error| match error {
            PaxError::Refused(refusal) => refuse(refusal),
            PaxError::Limit(name, limit) => UnpackError::Limit {
                name,
                limit: limit as u64,
            },
        })?;
        extensions.pax = Some(pax);
        Ok(())
    }

    fn global(&mut self, header: &Header) -> Result<(), UnpackError> {
        let bytes = self.extension(header)?;
        pax::check_global(&bytes).map_err(|refusal| refusal.of(&header.path_bytes()))
    }

    /// The contents of GNU's `L` and `K` entries: a name, ended by a NUL.
    fn long(&mut self, header: &Header, had: &Option<Vec<u8>>) -> Result<Vec<u8>, UnpackError> {
        let mut name = self.extension(header)?;
        if name.last() == Some(&0) {
            name.pop();
        }
        match had {
            Some(_) => Err(Refusal::Ambiguous("it has two long names").of(&name)),
            None if name.contains(&0) => Err(Refusal::Nul("name").of(&name)),
            None => Ok(name),
        }
    }

    /// The contents of an extension. Its size is its own header's: no other extends it.
    fn extension(&mut self, header: &Header) -> Result<Vec<u8>, UnpackError> {
        let limit = self.limits.header_bytes;
        let size = number(&header.as_old().size)
            .ok_or_else(|| Refusal::Field("size").of(&header.path_bytes()))?;
        self.header_bytes = self.header_bytes.saturating_add(size);
        if self.header_bytes > limit {
            return Err(UnpackError::Limit {
                name: "header_bytes",
                limit,
            });
        }
        self.begin(size);
        let mut bytes = Vec::new();
        let read = self.contents().read_to_end(&mut bytes);
        read.map_err(|error| self.broken(error))?;
        Ok(bytes)
    }

    fn entry(&mut self, header: &Header, mut extensions: Extensions) -> Result<Entry, UnpackError> {
        self.count_entry()?;
        let path = extensions
            .path(header)
            .map_err(|refusal| refusal.of(&header.path_bytes()))?;
        let refuse = |refusal: Refusal| refusal.of(&path);
        let stored = extensions.size(header).map_err(refuse)?;
        let form = extensions
            .pax
            .as_ref()
            .map_or(Ok(PaxForm::Plain), |pax| pax.sparse.form());
        let link = extensions.link(header).map_err(refuse)?;
        let metadata = extensions.metadata(header).map_err(refuse)?;
        self.begin(stored);
        let kind = self.kind(header, &path, stored, form.map_err(refuse)?, link)?;
        Ok(Entry {
            path,
            kind,
            metadata,
        })
    }

    fn count_entry(&mut self) -> Result<(), UnpackError> {
        self.entries += 1;
        match self.entries > self.limits.entries {
            true => Err(UnpackError::Limit {
                name: "entries",
                limit: self.limits.entries,
            }),
            false => Ok(()),
        }
    }

    fn kind(
        &mut self,
        header: &Header,
        path: &[u8],
        stored: u64,
        form: PaxForm,
        link: Vec<u8>,
    ) -> Result<EntryKind, UnpackError> {
        let device = || entry::device(header).map_err(|refusal| refusal.of(path));
        let kind = match header.entry_type().as_byte() {
            b'0' | 0 | b'7' if form != PaxForm::Plain => return self.pax_sparse(path, form),
            // Archives older than ustar mark a directory by its slash alone.
            0 if path.ends_with(b"/") => EntryKind::Directory,
            b'0' | 0 | b'7' if path.ends_with(b"/") => {
                return Err(Refusal::FileWithSlash.of(path));
            }
            b'0' | 0 | b'7' => return self.file(stored, None),
            b'S' => return self.gnu_sparse(header, path, stored),
            b'1' => EntryKind::HardLink(link),
            b'2' => EntryKind::Symlink(link),
            b'3' => EntryKind::CharDevice(device()?),
            b'4' => EntryKind::BlockDevice(device()?),
            b'5' => EntryKind::Directory,
            b'6' => EntryKind::Fifo,
            other => return Err(Refusal::Type(char::from(other)).of(path)),
        };
        match stored {
            0 => Ok(kind),
            _ => Err(Refusal::UnexpectedContents.of(path)),
        }
    }

    fn file(&mut self, size: u64, sparse: Option<SparseMap>) -> Result<EntryKind, UnpackError> {
        let limit = self.limits.logical_bytes;
        self.logical_bytes = self.logical_bytes.saturating_add(size);
        match self.logical_bytes > limit {
            true => Err(UnpackError::Limit {
                name: "logical_bytes",
                limit,
            }),
            false => Ok(EntryKind::File { size, sparse }),
        }
    }

    fn pax_sparse(&mut self, path: &[u8], form: PaxForm) -> Result<EntryKind, UnpackError> {
        let map = match form {
            PaxForm::Map(map) => map,
            PaxForm::InContents(size) => {
                let limit = self.limits.sparse_segments;
                let numbers = sparse::read_map(&mut self.contents(), limit);
                let numbers = numbers.map_err(|error| self.broken(error))?;
                let numbers = numbers.ok_or_else(|| Refusal::SparseMap.of(path))?;
                SparseMap::from_pairs(size, &numbers).map_err(|refusal| refusal.of(path))?
            }
            PaxForm::Plain => return self.file(self.unread, None),
        };
        self.sparse_file(path, map)
    }

    /// GNU's old form: the map stands in the header, and in blocks between it and the contents.
    fn gnu_sparse(
        &mut self,
        header: &Header,
        path: &[u8],
        stored: u64,
    ) -> Result<EntryKind, UnpackError> {
        let refuse = |refusal: Refusal| refusal.of(path);
        let gnu = header.as_gnu().ok_or_else(|| refuse(Refusal::SparseMap))?;
        let size = number(&gnu.realsize).ok_or_else(|| refuse(Refusal::SparseMap))?;
        let numbers = self
            .gnu_map(gnu)
            .map_err(|error| error.unwrap_or_else(|| refuse(Refusal::SparseMap)))?;
        let map = SparseMap::from_pairs(size, &numbers).map_err(refuse)?;
        self.begin(stored);
        self.sparse_file(path, map)
    }

    /// Offsets and lengths of GNU's old form; the error is none when they are malformed.
    fn gnu_map(&mut self, gnu: &GnuHeader) -> Result<Vec<u64>, Option<UnpackError>> {
        let limit = self.limits.sparse_segments;
        let mut numbers = Vec::new();
        collect_segments(&gnu.sparse, &mut numbers).ok_or(None)?;
        let mut more = gnu.is_extended();
        while more {
            let mut extension = GnuExtSparseHeader::new();
            self.read_exact(extension.as_mut_bytes()).map_err(Some)?;
            collect_segments(extension.sparse(), &mut numbers).ok_or(None)?;
            more = extension.is_extended();
            if numbers.len() > limit * 2 {
                let limit = limit as u64;
                return Err(Some(UnpackError::Limit {
                    name: "sparse_segments",
                    limit,
                }));
            }
        }
        Ok(numbers)
    }

    fn sparse_file(&mut self, path: &[u8], map: SparseMap) -> Result<EntryKind, UnpackError> {
        match map.stored() == self.unread {
            true => self.file(map.size, Some(map)),
            false => Err(Refusal::SparseMap.of(path)),
        }
    }

    /// The contents of the current entry, as stored.
    pub(super) fn contents(&mut self) -> Contents<'_, 'a, R> {
        Contents(self)
    }

    fn begin(&mut self, size: u64) {
        self.unread = size;
        self.padding = size.next_multiple_of(BLOCK as u64) - size;
    }

    fn skip_rest(&mut self) -> Result<(), UnpackError> {
        let skipped = io::copy(&mut self.contents(), &mut io::sink());
        skipped.map_err(|error| self.broken(error))?;
        let mut padding = [0; BLOCK];
        let length = usize::try_from(self.padding).unwrap_or(BLOCK);
        self.padding = 0;
        self.read_exact(&mut padding[..length])
    }

    /// The next header; none at the end of the archive, which is a block of zeros or the end of
    /// the input.
    pub(super) fn header(&mut self) -> Result<Option<Header>, UnpackError> {
        let offset = self.offset;
        let mut header = Header::new_old();
        if !self.read_block(header.as_mut_bytes())?
            || header.as_bytes().iter().all(|byte| *byte == 0)
        {
            return Ok(None);
        }
        match number(&header.as_old().cksum) == Some(checksum(&header)) {
            true => Ok(Some(header)),
            false => Err(UnpackError::Header { offset }),
        }
    }

    /// Reads a block; false at the end of the input.
    fn read_block(&mut self, block: &mut [u8; BLOCK]) -> Result<bool, UnpackError> {
        let first = loop {
            match self.input.read(block) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map_err(|error| self.broken(error))?,
            }
        };
        self.offset += first as u64;
        match first {
            0 => Ok(false),
            _ => self.read_exact(&mut block[first..]).map(|()| true),
        }
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> Result<(), UnpackError> {
        self.input
            .read_exact(buffer)
            .map_err(|error| self.broken(error))?;
        self.offset += buffer.len() as u64;
        Ok(())
    }

    /// What it means that the input cannot be read.
    pub(super) fn broken(&self, error: io::Error) -> UnpackError {
        UnpackError::from_read(error, self.offset)
    }
}

/// Adds the segments of a header to `numbers`; none if one is malformed.
fn collect_segments(segments: &[tar::GnuSparseHeader], numbers: &mut Vec<u64>) -> Option<()> {
    for segment in segments.iter().filter(|segment| !segment.is_empty()) {
        numbers.push(number(&segment.offset)?);
        numbers.push(number(&segment.numbytes)?);
    }
    Some(())
}

/// Sum of the header's bytes, those of the checksum itself taken as blanks.
fn checksum(header: &Header) -> u64 {
    let field = 148..156;
    let bytes = header.as_bytes().iter().enumerate();
    bytes
        .map(|(at, byte)| {
            if field.contains(&at) {
                32
            } else {
                u64::from(*byte)
            }
        })
        .sum()
}

/// The unread contents of an archive's current entry. Ends early with `UnexpectedEof` if the
/// archive does.
pub(super) struct Contents<'e, 'a, R>(&'e mut Entries<'a, R>);

impl<R: Read> Read for Contents<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer
            .len()
            .min(usize::try_from(self.0.unread).unwrap_or(usize::MAX));
        if length == 0 {
            return Ok(0);
        }
        let n = self.0.input.read(&mut buffer[..length])?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.0.unread -= n as u64;
        self.0.offset += n as u64;
        Ok(n)
    }
}
