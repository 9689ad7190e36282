//! Locations of images outside registries, as they stand in `FROM` and `--build-context`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::source::docker_archive::DockerArchive;
use crate::source::layout::OciLayout;
use crate::source::{ImageSource, SourceError};

/// `oci-layout://PATH`, `oci-archive://PATH` or `docker-archive://PATH`, each with an optional
/// `:TAG` or `@DIGEST` (which takes precedence, as in `:TAG@DIGEST`).
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
pub enum LocationError {
    /// It begins otherwise.
    #[error(
        "{0:?} is not the location of an image: oci-layout://PATH, oci-archive://PATH or \
         docker-archive://PATH"
    )]
    Scheme(String),
    /// Nothing follows.
    #[error("{0:?} names no path")]
    NoPath(String),
}

impl LocationKind {
    const ALL: [Self; 3] = [Self::OciLayout, Self::OciArchive, Self::DockerArchive];

    fn scheme(self) -> &'static str {
        match self {
            Self::OciLayout => "oci-layout://",
            Self::OciArchive => "oci-archive://",
            Self::DockerArchive => "docker-archive://",
        }
    }
}

impl SourceLocation {
    /// Whether a text begins as a location does; everything else is an image reference.
    pub fn is_location(text: &str) -> bool {
        LocationKind::ALL
            .iter()
            .any(|kind| text.starts_with(kind.scheme()))
    }

    /// The same with a relative path taken from a directory.
    #[must_use]
    pub fn relative_to(&self, dir: &Path) -> Self {
        Self {
            path: dir.join(&self.path),
            ..self.clone()
        }
    }

    /// Opens the image; a relative path is taken from the working directory.
    pub fn open(&self) -> Result<Box<dyn ImageSource>, SourceError> {
        let selector = self.selector.clone();
        Ok(match self.kind {
            LocationKind::OciLayout => Box::new(OciLayout::directory(&self.path, selector)),
            LocationKind::OciArchive => Box::new(OciLayout::archive(&self.path, selector)?),
            LocationKind::DockerArchive => Box::new(DockerArchive::open(&self.path, selector)?),
        })
    }
}

impl FromStr for SourceLocation {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        let schemes = LocationKind::ALL.iter();
        let found = schemes.filter_map(|kind| Some((*kind, text.strip_prefix(kind.scheme())?)));
        let (kind, rest) = found
            .into_iter()
            .next()
            .ok_or_else(|| LocationError::Scheme(text.to_owned()))?;
        let (path, selector) = split_selector(rest);
        if path.is_empty() {
            return Err(LocationError::NoPath(text.to_owned()));
        }
        Ok(Self {
            kind,
            path: PathBuf::from(path),
            selector: selector.map(str::to_owned),
        })
    }
}

/// A path has no colon: from the first one on, or from `@sha256:`, it is the selector. Names of
/// images in archives have colons and slashes of their own.
fn split_selector(text: &str) -> (&str, Option<&str>) {
    if let Some((path, digest)) = text.split_once("@sha256:") {
        let path = path.split_once(':').map_or(path, |(path, _)| path);
        return (
            path,
            Some(&text[text.len() - digest.len() - "sha256:".len()..]),
        );
    }
    match text.split_once(':') {
        Some((path, name)) if !name.is_empty() => (path, Some(name)),
        _ => (text, None),
    }
}

impl fmt::Display for SourceLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.kind.scheme(), self.path.display())?;
        match self.selector.as_deref() {
            Some(digest) if digest.starts_with("sha256:") => write!(f, "@{digest}"),
            Some(name) => write!(f, ":{name}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_has_a_scheme_a_path_and_perhaps_a_selector() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for (text, path, selector) in [
            ("oci-layout:///a/b", "/a/b", None),
            ("oci-layout://b:v1", "b", Some("v1")),
            (
                "oci-archive://b.tar:team/app:v1",
                "b.tar",
                Some("team/app:v1"),
            ),
            (
                "docker-archive://x/b.tar:localhost:5000/a:b",
                "x/b.tar",
                Some("localhost:5000/a:b"),
            ),
        ] {
            let location: SourceLocation = text.parse().unwrap();
            assert_eq!(
                (
                    location.path.to_str().unwrap(),
                    location.selector.as_deref()
                ),
                (path, selector)
            );
            assert_eq!(location.to_string(), text);
            assert!(SourceLocation::is_location(text));
        }
        let pinned: SourceLocation = format!("oci-layout://b@sha256:{hex}").parse().unwrap();
        assert_eq!(pinned.selector, Some(format!("sha256:{hex}")));
        assert!(!SourceLocation::is_location("debian:12"));
    }

    #[test]
    fn other_texts_are_refused() {
        let error = |text: &str| text.parse::<SourceLocation>().unwrap_err().to_string();
        assert!(error("debian").contains("is not the location of an image"));
        assert_eq!(error("oci-layout://"), "\"oci-layout://\" names no path");
        assert_eq!(
            error("oci-layout://:v1"),
            "\"oci-layout://:v1\" names no path"
        );
    }
}
