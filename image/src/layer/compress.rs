//! Compression of layers: output depends on the input and the settings alone, not on threads.
//!
//! gzip layers are members of 4 MiB each, compressed side by side: a stream of members is one gzip
//! file to every reader (RFC 1952 section 2.2), and members of a fixed size make the bytes the same
//! on every machine.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use crate::media_type::{OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD};

mod gzip;

use gzip::GzipWriter;

/// zstd's own default: faster than gzip at any level, and smaller.
const ZSTD_LEVEL: i32 = 3;

/// How a layer is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Compression {
    /// As a plain tar archive.
    Uncompressed,
    /// gzip, which everything reads.
    #[default]
    Gzip,
    /// zstd: smaller and faster; needs containerd 1.5, docker 23, podman 4 or later to read.
    Zstd,
}

/// Why a text is not a compression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("compression {0:?} is not known: gzip, zstd or uncompressed")]
pub struct CompressionError(String);

impl Compression {
    /// Media type of an OCI layer stored so.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Uncompressed => OCI_LAYER,
            Self::Gzip => OCI_LAYER_GZIP,
            Self::Zstd => OCI_LAYER_ZSTD,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uncompressed => "uncompressed",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

impl FromStr for Compression {
    type Err = CompressionError;

    fn from_str(text: &str) -> Result<Self, CompressionError> {
        match text {
            "uncompressed" => Ok(Self::Uncompressed),
            "gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            other => Err(CompressionError(other.to_owned())),
        }
    }
}

/// Compresses what is written into `out`; nothing is complete before [`Compressor::finish`].
pub struct Compressor<W: Write> {
    inner: Inner<W>,
}

enum Inner<W: Write> {
    Plain(W),
    Gzip(GzipWriter<W>),
    Zstd(zstd::stream::write::Encoder<'static, W>),
}

impl<W: Write> fmt::Debug for Compressor<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").finish_non_exhaustive()
    }
}

impl<W: Write> Compressor<W> {
    /// A compressor in front of `out`.
    pub fn new(compression: Compression, out: W) -> io::Result<Self> {
        let inner = match compression {
            Compression::Uncompressed => Inner::Plain(out),
            Compression::Gzip => Inner::Gzip(GzipWriter::new(out)),
            Compression::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(out, ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                Inner::Zstd(encoder)
            }
        };
        Ok(Self { inner })
    }

    /// Writes what is left and gives the output back.
    pub fn finish(self) -> io::Result<W> {
        match self.inner {
            Inner::Plain(out) => Ok(out),
            Inner::Gzip(writer) => writer.finish(),
            Inner::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.inner {
            Inner::Plain(out) => out.write(bytes),
            Inner::Gzip(writer) => writer.write(bytes),
            Inner::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.inner {
            Inner::Plain(out) => out.flush(),
            // A member is complete when it is full: flushing must not change the bytes.
            Inner::Gzip(_) | Inner::Zstd(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn compressed(compression: Compression, bytes: &[u8], chunk: usize) -> Vec<u8> {
        let mut compressor = Compressor::new(compression, Vec::new()).unwrap();
        bytes
            .chunks(chunk)
            .for_each(|chunk| compressor.write_all(chunk).unwrap());
        compressor.finish().unwrap()
    }

    fn decompressed(compression: Compression, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        match compression {
            Compression::Uncompressed => out.extend_from_slice(bytes),
            Compression::Gzip => {
                flate2::read::MultiGzDecoder::new(bytes)
                    .read_to_end(&mut out)
                    .map(drop)
                    .unwrap();
            }
            Compression::Zstd => out = zstd::decode_all(bytes).unwrap(),
        }
        out
    }

    /// 10 MiB that compress somewhat.
    fn sample() -> Vec<u8> {
        let mut state = 1_u32;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 28) as u8
        };
        std::iter::repeat_with(next).take(10 << 20).collect()
    }

    #[test]
    fn what_is_compressed_comes_back_whatever_the_pieces() {
        let bytes = sample();
        for compression in [
            Compression::Uncompressed,
            Compression::Gzip,
            Compression::Zstd,
        ] {
            let once = compressed(compression, &bytes, bytes.len());
            assert_eq!(decompressed(compression, &once), bytes, "{compression}");
            assert!(
                compressed(compression, &bytes, 77_777) == once,
                "{compression}"
            );
            let nothing = compressed(compression, b"", 1);
            assert_eq!(decompressed(compression, &nothing), b"", "{compression}");
        }
    }

    #[test]
    fn compressions_are_known_by_name() {
        for name in ["gzip", "zstd", "uncompressed"] {
            assert_eq!(name.parse::<Compression>().unwrap().to_string(), name);
        }
        assert!("lzma".parse::<Compression>().is_err());
    }
}
