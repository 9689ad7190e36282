//! Compression of layers: output depends on the input and the settings alone, not on threads.

use std::fmt;
use std::str::FromStr;

use crate::media_type::{OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD};

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
