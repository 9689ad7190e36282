//! OCI layouts (OCI image-spec image-layout.md), as directories and as archives.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::export::sink::{ArchiveSink, DirectorySink, Sink, io_error, put_blobs, put_bytes};
use crate::export::{ExportError, Image};
use crate::manifest::{Document, Index, IndexEntry};
use crate::media_type::OCI_INDEX;
use crate::progress::Progress;
use crate::reference::ImageRef;
use crate::source::choice::{IMAGE_NAME, REF_NAME};

/// The file that marks a layout.
const MARKER: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// Adds an image to the layout in a directory.
pub(super) fn write_directory(
    image: &Image,
    dir: &Path,
    tags: &[ImageRef],
    progress: Progress<'_>,
) -> Result<(), ExportError> {
    let mut sink = DirectorySink(dir);
    let mut entries = existing(dir)?;
    put_blobs(image, &mut sink, progress)?;
    let added = index_entries(image, tags);
    entries.retain(|entry| !added.iter().any(|new| is_same_name(entry, new)));
    entries.extend(added);
    put_index(&mut sink, entries)
}

/// Writes a layout with one image as an archive.
pub(super) fn write_archive(
    image: &Image,
    out: &mut dyn Write,
    tags: &[ImageRef],
    progress: Progress<'_>,
) -> Result<(), ExportError> {
    let mut sink = ArchiveSink::new(out)?;
    put_blobs(image, &mut sink, progress)?;
    put_index(&mut sink, index_entries(image, tags))?;
    sink.finish()
}

/// Writes the index last: before it, a reader finds the layout as it was.
pub(super) fn put_index(sink: &mut dyn Sink, entries: Vec<IndexEntry>) -> Result<(), ExportError> {
    put_bytes(sink, "oci-layout", MARKER)?;
    let index = serde_json::to_vec(&Index::new(entries)).map_err(ExportError::Json)?;
    put_bytes(sink, "index.json", &index)
}

/// A line for each name of an image; one without a name if it has none.
pub(super) fn index_entries(image: &Image, tags: &[ImageRef]) -> Vec<IndexEntry> {
    let entry = IndexEntry::new(&image.manifest, Some(image.platform.clone()));
    let named = |name: &ImageRef| {
        let mut entry = entry.clone();
        entry
            .annotations
            .insert(IMAGE_NAME.to_owned(), name.to_string());
        let tag = name.tag().map(|tag| (REF_NAME.to_owned(), tag.to_owned()));
        entry.annotations.extend(tag);
        entry
    };
    match tags {
        [] => vec![entry],
        tags => tags.iter().map(named).collect(),
    }
}

/// What the layout has already.
fn existing(dir: &Path) -> Result<Vec<IndexEntry>, ExportError> {
    let path = dir.join("index.json");
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_error("cannot read", &path)(error)),
    };
    match Document::parse(&bytes, OCI_INDEX) {
        Ok(Document::Index(index)) => Ok(index.manifests),
        Ok(Document::Manifest(_)) => Ok(Vec::new()),
        Err(source) => Err(ExportError::ExistingIndex { path, source }),
    }
}

/// Whether a new line takes the place of an old one: the tag is what readers choose by.
fn is_same_name(old: &IndexEntry, new: &IndexEntry) -> bool {
    old.annotations.get(REF_NAME) == new.annotations.get(REF_NAME)
}
