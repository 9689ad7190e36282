//! Where the files of a layout go: a directory or a tar archive.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use iechor_snapshotter::Metadata;
use tar::EntryType;
use tempfile::NamedTempFile;

use crate::descriptor::Descriptor;
use crate::export::{ExportError, Image};
use crate::layer::tar_writer::{TarEntry, TarWriter};
use crate::progress::Progress;

/// Takes the files of a layout, each once.
pub(super) trait Sink {
    /// Takes a file of known size.
    fn file(&mut self, name: &str, size: u64, contents: &mut dyn Read) -> Result<(), ExportError>;

    /// Whether a file is there already.
    fn has(&self, name: &str, size: u64) -> bool;
}

/// The name of a blob in a layout.
pub(super) fn blob_name(blob: &Descriptor) -> String {
    format!("blobs/sha256/{}", blob.digest.hex())
}

/// Puts an image's blobs into a sink: layers, configuration, manifest.
pub(super) fn put_blobs(
    image: &Image,
    sink: &mut dyn Sink,
    progress: Progress<'_>,
) -> Result<(), ExportError> {
    for layer in &image.layers {
        let (name, size) = (blob_name(&layer.descriptor), layer.descriptor.size);
        if sink.has(&name, size) {
            progress(size);
            continue;
        }
        put_layer(sink, &name, &layer.path, size, progress)?;
    }
    put_bytes(sink, &blob_name(&image.config), &image.config_bytes)?;
    put_bytes(sink, &blob_name(&image.manifest), &image.manifest_bytes)
}

/// Puts a small file into a sink.
pub(super) fn put_bytes(sink: &mut dyn Sink, name: &str, bytes: &[u8]) -> Result<(), ExportError> {
    sink.file(name, bytes.len() as u64, &mut &*bytes)
}

fn put_layer(
    sink: &mut dyn Sink,
    name: &str,
    path: &Path,
    size: u64,
    progress: Progress<'_>,
) -> Result<(), ExportError> {
    let file = File::open(path).map_err(io_error("cannot open", path))?;
    let actual = file
        .metadata()
        .map_err(io_error("cannot read", path))?
        .len();
    if actual != size {
        return Err(ExportError::Short {
            path: path.to_owned(),
            actual,
            expected: size,
        });
    }
    sink.file(
        name,
        size,
        &mut Told {
            inner: file.take(size),
            progress,
        },
    )
}

/// Tells of what is read.
struct Told<'a, R> {
    inner: R,
    progress: Progress<'a>,
}

impl<R: Read> Read for Told<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        (self.progress)(n as u64);
        Ok(n)
    }
}

/// A directory; each file appears by one rename.
pub(super) struct DirectorySink<'a>(pub(super) &'a Path);

impl Sink for DirectorySink<'_> {
    fn file(&mut self, name: &str, _: u64, contents: &mut dyn Read) -> Result<(), ExportError> {
        let path = self.0.join(name);
        let dir = path.parent().unwrap_or(self.0);
        fs::create_dir_all(dir).map_err(io_error("cannot make", dir))?;
        let failed = || io_error("cannot write", &path);
        let mut file = NamedTempFile::new_in(dir).map_err(failed())?;
        io::copy(contents, &mut file).map_err(failed())?;
        file.as_file()
            .set_permissions(Permissions::from_mode(0o644))
            .map_err(failed())?;
        file.persist(&path).map_err(|error| failed()(error.error))?;
        Ok(())
    }

    fn has(&self, name: &str, size: u64) -> bool {
        fs::metadata(self.0.join(name)).is_ok_and(|found| found.is_file() && found.len() == size)
    }
}

/// A tar archive, the same bytes for the same files.
pub(super) struct ArchiveSink<'a> {
    tar: TarWriter<'a>,
    names: Vec<String>,
}

impl<'a> ArchiveSink<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Result<Self, ExportError> {
        let mut sink = Self {
            tar: TarWriter::new(out),
            names: Vec::new(),
        };
        sink.entry(EntryType::Directory, "blobs/", 0, &mut io::empty())?;
        sink.entry(EntryType::Directory, "blobs/sha256/", 0, &mut io::empty())?;
        Ok(sink)
    }

    pub(super) fn finish(self) -> Result<(), ExportError> {
        self.tar.finish().map(drop).map_err(ExportError::Write)
    }

    fn entry(
        &mut self,
        kind: EntryType,
        name: &str,
        size: u64,
        contents: &mut dyn Read,
    ) -> Result<(), ExportError> {
        let mode = if kind == EntryType::Directory {
            0o755
        } else {
            0o644
        };
        let metadata = Metadata {
            mode,
            ..Metadata::default()
        };
        let (path, link) = (name.as_bytes(), &[][..]);
        let entry = TarEntry {
            kind,
            path,
            link,
            size,
            device: None,
            metadata: &metadata,
        };
        self.tar.entry(&entry, contents).map_err(ExportError::Write)
    }
}

impl Sink for ArchiveSink<'_> {
    fn file(&mut self, name: &str, size: u64, contents: &mut dyn Read) -> Result<(), ExportError> {
        if self.has(name, size) {
            return Ok(());
        }
        self.names.push(name.to_owned());
        self.entry(EntryType::Regular, name, size, contents)
    }

    fn has(&self, name: &str, _: u64) -> bool {
        self.names.iter().any(|known| known == name)
    }
}

/// Says what was being done on which path when the kernel refused.
pub(super) fn io_error(
    action: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> ExportError + use<> {
    let path = path.to_owned();
    move |source| ExportError::Io {
        action,
        path,
        source,
    }
}
