//! Locations of images outside registries, as they stand in `FROM` and `--build-context`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::source::{ImageSource, SourceError};

/// `oci-layout://PATH`, `oci-archive://PATH` or `docker-archive://PATH`, each with an optional
/// `:TAG` or `@DIGEST`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceLocation {
    /// What lies there.
    pub kind: LocationKind,
    /// Directory or file.
    pub path: PathBuf,
    /// Which image of those there.
    pub selector: Option<String>,
}

/// What lies at a location.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LocationKind {
    /// A directory (OCI image-spec image-layout.md).
    OciLayout,
    /// Such a directory as a tar archive.
    OciArchive,
    /// What `docker save` writes.
    DockerArchive,
}

/// Why a text is not such a location.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a location of an image: oci-layout://PATH, oci-archive://PATH or docker-archive://PATH"
)]
pub struct LocationError(String);

impl SourceLocation {
    /// Whether a text begins as a location does; everything else is an image reference.
    pub fn is_location(text: &str) -> bool {
        todo!()
    }

    /// Opens the image; a relative path is taken from the working directory.
    pub fn open(&self) -> Result<Box<dyn ImageSource>, SourceError> {
        todo!()
    }
}

impl FromStr for SourceLocation {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        todo!()
    }
}

impl fmt::Display for SourceLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}
