//! OCI layouts (OCI image-spec image-layout.md): directories and archives of such directories.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::descriptor::Descriptor;
use crate::json::MAX_MANIFEST;
use crate::manifest::Document;
use crate::media_type::OCI_INDEX;
use crate::platform::Platform;
use crate::source::choice::choose;
use crate::source::resolve::{self, Documents};
use crate::source::tar_file::TarFile;
use crate::source::{ImageSource, ResolvedImage, SourceError};

/// Something that has files by name: a directory, or an archive of one.
pub(super) trait Files: Send + Sync + fmt::Debug {
    /// How messages name it.
    fn location(&self) -> String;

    /// Opens a file by its path with slashes; none if there is no such file.
    fn open(&self, name: &str) -> Result<Option<Box<dyn Read + Send>>, SourceError>;

    /// What is said when a file cannot be read.
    fn read_error(&self, name: &str, source: io::Error) -> SourceError;

    /// Reads a file of which at most `most` bytes are wanted.
    fn read(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, SourceError> {
        let Some(file) = self.open(name)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        let read = file.take(most).read_to_end(&mut bytes);
        read.map_err(|source| self.read_error(name, source))?;
        Ok(Some(bytes))
    }
}

/// A directory of the host.
#[derive(Debug)]
pub(super) struct Directory(pub(super) PathBuf);

impl Files for Directory {
    fn location(&self) -> String {
        self.0.display().to_string()
    }

    fn open(&self, name: &str) -> Result<Option<Box<dyn Read + Send>>, SourceError> {
        let path = self.0.join(name);
        match open_regular(&path) {
            Ok(file) => Ok(Some(Box::new(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(self.read_error(name, source)),
        }
    }

    fn read_error(&self, name: &str, source: io::Error) -> SourceError {
        SourceError::Io {
            action: "cannot read",
            path: self.0.join(name),
            source,
        }
    }
}

/// A pipe in the place of a blob would keep us waiting for ever.
fn open_regular(path: &Path) -> io::Result<File> {
    match std::fs::metadata(path)?.is_file() {
        true => File::open(path),
        false => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        )),
    }
}

/// An image in an OCI layout.
#[derive(Debug)]
pub(super) struct OciLayout {
    files: Box<dyn Files>,
    selector: Option<String>,
}

impl OciLayout {
    /// The image that the selector names in a directory.
    pub(super) fn directory(path: &Path, selector: Option<String>) -> Self {
        Self {
            files: Box::new(Directory(path.to_owned())),
            selector,
        }
    }

    /// The same in an archive.
    pub(super) fn archive(path: &Path, selector: Option<String>) -> Result<Self, SourceError> {
        Ok(Self {
            files: Box::new(TarFile::open(path)?),
            selector,
        })
    }

    fn not_a_layout(&self, reason: &str) -> SourceError {
        let location = self.files.location();
        SourceError::NotAnImage {
            location,
            expected: "an OCI layout",
            reason: reason.to_owned(),
        }
    }

    /// The part of `index.json` that the selector means.
    fn index(&self) -> Result<Vec<u8>, SourceError> {
        let marker = self.files.read("oci-layout", MAX_MANIFEST)?;
        marker.ok_or_else(|| self.not_a_layout("it has no file \"oci-layout\""))?;
        let bytes = self.files.read("index.json", MAX_MANIFEST + 1)?;
        let bytes = bytes.ok_or_else(|| self.not_a_layout("it has no file \"index.json\""))?;
        let location = self.files.location();
        let document =
            Document::parse(&bytes, OCI_INDEX).map_err(|source| SourceError::Manifest {
                image: location.clone(),
                source,
            })?;
        match document {
            Document::Index(index) => {
                let chosen = choose(&location, &index, self.selector.as_deref())?;
                serde_json::to_vec(&chosen).map_err(|error| self.not_a_layout(&error.to_string()))
            }
            Document::Manifest(_) => Err(self.not_a_layout("its index.json is no index")),
        }
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, SourceError> {
        let name = format!("blobs/sha256/{}", descriptor.digest.hex());
        let blob = self.files.open(&name)?;
        blob.ok_or_else(|| self.not_a_layout(&format!("it has no blob {}", descriptor.digest)))
    }

    fn read_blob(&self, descriptor: &Descriptor) -> Result<Vec<u8>, SourceError> {
        let mut bytes = Vec::new();
        let read = self
            .blob(descriptor)?
            .take(descriptor.size + 1)
            .read_to_end(&mut bytes);
        read.map_err(|source| self.files.read_error(&descriptor.digest.hex(), source))?;
        Ok(bytes)
    }
}

impl Documents for OciLayout {
    fn image(&self) -> String {
        let selector = self.selector.iter().map(|text| format!(":{text}"));
        std::iter::once(self.files.location())
            .chain(selector)
            .collect()
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, SourceError> {
        self.read_blob(descriptor)
    }

    fn config(&self, descriptor: &Descriptor) -> Result<Vec<u8>, SourceError> {
        self.read_blob(descriptor)
    }
}

impl ImageSource for OciLayout {
    fn resolve(&self, platform: &Platform) -> Result<ResolvedImage, SourceError> {
        let index = self.index()?;
        resolve::resolve(self, Descriptor::of(OCI_INDEX, &index), index, platform)
    }

    fn open(&self, layer: &Descriptor) -> Result<Box<dyn Read + Send>, SourceError> {
        self.blob(layer)
    }
}
