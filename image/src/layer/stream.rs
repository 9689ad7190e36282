//! The bytes of an archive on their way in: counted, hashed, decompressed, bounded.
//!
//! ```text
//! source ─► Counted (compressed: size, digest) ─► decoder ─► Bounded (size, ratio, diff ID) ─► entries
//! ```

use std::cell::{Cell, RefCell};
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use iechor_snapshotter::{Digest, Hasher};

use crate::layer::error::{OverLimit, UnpackError};
use crate::layer::limits::Limits;
use crate::media_type::{
    DOCKER_LAYER, DOCKER_LAYER_GZIP, DOCKER_LAYER_ZSTD, OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD,
};
use crate::progress::Progress;

/// Compressed and decompressed bytes are read in pieces of this size.
const BUFFER: usize = 128 << 10;
/// The ratio of decompressed to compressed bytes counts only after so many.
const RATIO_FREE: u64 = 64 << 20;
/// zstd streams that need a larger window (2^27 bytes, 128 MiB) are refused.
const ZSTD_WINDOW_LOG: u32 = 27;
/// xz streams may make us take so much memory and no more.
const XZ_MEMORY: u64 = 128 << 20;

/// How an archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Gzip,
    Zstd,
    Bzip2,
    Xz,
}

impl Encoding {
    /// The encoding of a layer, by its media type.
    pub(super) fn of_layer(media_type: &str) -> Result<Self, UnpackError> {
        match media_type {
            OCI_LAYER | DOCKER_LAYER => Ok(Self::Plain),
            OCI_LAYER_GZIP | DOCKER_LAYER_GZIP => Ok(Self::Gzip),
            OCI_LAYER_ZSTD | DOCKER_LAYER_ZSTD => Ok(Self::Zstd),
            other => Err(UnpackError::MediaType(other.to_owned())),
        }
    }

    /// The encoding of a file, by its first bytes; plain if they are none of the known ones.
    pub(crate) fn of_bytes(head: &[u8]) -> Self {
        const MAGIC: [(&[u8], Encoding); 4] = [
            (&[0x1f, 0x8b], Encoding::Gzip),
            (&[0x28, 0xb5, 0x2f, 0xfd], Encoding::Zstd),
            (b"BZh", Encoding::Bzip2),
            (&[0xfd, b'7', b'z', b'X', b'Z', 0], Encoding::Xz),
        ];
        let found = MAGIC.iter().find(|(magic, _)| head.starts_with(magic));
        found.map_or(Self::Plain, |(_, encoding)| *encoding)
    }

    /// Decompresses; streams of several members, frames or blocks are read to the last.
    pub(crate) fn decode<R: BufRead>(self, input: R) -> io::Result<Decoder<R>> {
        Ok(match self {
            Self::Plain => Decoder::Plain(input),
            Self::Gzip => Decoder::Gzip(flate2::bufread::MultiGzDecoder::new(input)),
            Self::Bzip2 => Decoder::Bzip2(bzip2::bufread::MultiBzDecoder::new(input)),
            Self::Xz => {
                let stream = liblzma::stream::Stream::new_stream_decoder(
                    XZ_MEMORY,
                    liblzma::stream::CONCATENATED,
                )?;
                Decoder::Xz(liblzma::bufread::XzDecoder::new_stream(input, stream))
            }
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Decoder::Zstd(decoder)
            }
        })
    }
}

/// A stream being decompressed.
pub(crate) enum Decoder<R: BufRead> {
    Plain(R),
    Gzip(flate2::bufread::MultiGzDecoder<R>),
    Zstd(zstd::stream::read::Decoder<'static, R>),
    Bzip2(bzip2::bufread::MultiBzDecoder<R>),
    Xz(liblzma::bufread::XzDecoder<R>),
}

impl<R: BufRead> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(input) => input.read(buffer),
            Self::Gzip(input) => input.read(buffer),
            Self::Zstd(input) => input.read(buffer),
            Self::Bzip2(input) => input.read(buffer),
            Self::Xz(input) => input.read(buffer),
        }
    }
}

/// Counts and hashes what passes; shared, so that both ends of a chain of readers can see it.
#[derive(Debug, Default, Clone)]
pub(super) struct Tally {
    bytes: Rc<Cell<u64>>,
    hasher: Rc<RefCell<Hasher>>,
}

impl Tally {
    fn add(&self, bytes: &[u8]) {
        self.bytes.set(self.bytes.get() + bytes.len() as u64);
        self.hasher.borrow_mut().update(bytes);
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// The digest of all that passed.
    pub(super) fn digest(&self) -> Digest {
        self.hasher.take().finish()
    }
}

/// The compressed end: tallies, tells of progress, and stops one byte after `most`.
struct Counted<'a, R> {
    input: R,
    tally: Tally,
    most: u64,
    progress: Progress<'a>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = (self.most + 1).saturating_sub(self.tally.bytes());
        let length = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let n = self.input.read(&mut buffer[..length])?;
        self.tally.add(&buffer[..n]);
        (self.progress)(n as u64);
        Ok(n)
    }
}

/// The decompressed end: tallies, and refuses to go beyond the limits (T9).
struct Bounded<'a, R> {
    input: R,
    tally: Tally,
    compressed: Tally,
    limits: &'a Limits,
}

impl<R> Bounded<'_, R> {
    fn check(&self) -> Result<(), OverLimit> {
        let (bytes, limits) = (self.tally.bytes(), self.limits);
        let by_ratio = self.compressed.bytes().saturating_mul(limits.ratio);
        if bytes > limits.layer_bytes {
            return Err(OverLimit {
                name: "layer_bytes",
                limit: limits.layer_bytes,
            });
        }
        match bytes > by_ratio.saturating_add(RATIO_FREE) {
            true => Err(OverLimit {
                name: "ratio",
                limit: limits.ratio,
            }),
            false => Ok(()),
        }
    }
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buffer)?;
        self.tally.add(&buffer[..n]);
        self.check().map_err(io::Error::other)?;
        Ok(n)
    }
}

/// An archive that is being read, with what passed at both ends.
pub(super) struct Decoded<'a> {
    /// The archive, decompressed.
    pub(super) archive: Box<dyn Read + 'a>,
    pub(super) compressed: Tally,
    pub(super) decompressed: Tally,
}

impl<'a> Decoded<'a> {
    /// Decodes `input`, of which at most `most` bytes are expected.
    pub(super) fn new(
        input: impl Read + 'a,
        encoding: Encoding,
        most: u64,
        limits: &'a Limits,
        progress: Progress<'a>,
    ) -> Result<Self, UnpackError> {
        let (compressed, decompressed) = (Tally::default(), Tally::default());
        let counted = Counted {
            input,
            tally: compressed.clone(),
            most,
            progress,
        };
        let input = encoding.decode(BufReader::with_capacity(BUFFER, counted));
        let bounded = Bounded {
            input: input.map_err(UnpackError::Read)?,
            tally: decompressed.clone(),
            compressed: compressed.clone(),
            limits,
        };
        let archive = Box::new(BufReader::with_capacity(BUFFER, bounded));
        Ok(Self {
            archive,
            compressed,
            decompressed,
        })
    }
}
