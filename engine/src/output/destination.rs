//! Where outputs go: files that appear complete or not at all, directories, standard output.

use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use iechor_image::Image;
use iechor_image::layer::{write_local, write_rootfs_tar};

use super::{Built, OutputError, Written};
use crate::path_error::AtPath;
use crate::request::{Compression, Output, OutputDest, OutputKind};

impl From<Compression> for iechor_image::Compression {
    fn from(asked: Compression) -> Self {
        match asked {
            Compression::Gzip => Self::Gzip,
            Compression::Zstd => Self::Zstd,
            Compression::Uncompressed => Self::Uncompressed,
        }
    }
}

/// Writes an image in the form that an output asks for; gives the bytes written.
pub(super) fn image(
    built: &Built<'_>,
    image: &Image,
    output: &Output,
    stdout: &mut dyn Write,
) -> Result<u64, OutputError> {
    let what = format!("writing {}", name_of(&output.dest));
    let total = image.layers.iter().map(|layer| layer.descriptor.size).sum();
    let transfer = built.teller.transfer(what, Some(total));
    let progress: iechor_image::Progress<'_> = &|more| transfer.advance(more);
    let refuse = |error| OutputError::Export {
        dest: Some(name_of(&output.dest)),
        source: Box::new(error),
    };
    match (output.kind, &output.dest) {
        (OutputKind::Oci, OutputDest::Path(dir)) if is_layout(dir) => {
            image
                .write_oci_layout(dir, built.tags, progress)
                .map_err(refuse)?;
            Ok(total)
        }
        (OutputKind::Docker, dest) => stream(dest, stdout, |out| {
            image
                .write_docker_archive(out, built.tags, progress)
                .map_err(refuse)
        }),
        (_, dest) => stream(dest, stdout, |out| {
            image
                .write_oci_archive(out, built.tags, progress)
                .map_err(refuse)
        }),
    }
}

/// Writes the root file system as one archive.
pub(super) fn rootfs(
    built: &Built<'_>,
    dest: &OutputDest,
    stdout: &mut dyn Write,
) -> Result<Written, OutputError> {
    let bytes = stream(dest, stdout, |out| {
        write_rootfs_tar(built.chain, built.engine.store().blobs(), out)
            .map(drop)
            .map_err(|error| OutputError::Rootfs {
                dest: name_of(dest),
                source: Box::new(error),
            })
    })?;
    Ok(Written {
        manifest: None,
        bytes,
    })
}

/// Writes the root file system as files.
pub(super) fn directory(built: &Built<'_>, dest: &OutputDest) -> Result<Written, OutputError> {
    let OutputDest::Path(dir) = dest else {
        return Err(OutputError::LocalToStdout);
    };
    write_local(built.chain, built.engine.store().blobs(), dir).map_err(|error| {
        OutputError::Rootfs {
            dest: name_of(dest),
            source: Box::new(error),
        }
    })?;
    Ok(Written {
        manifest: None,
        bytes: 0,
    })
}

fn name_of(dest: &OutputDest) -> String {
    match dest {
        OutputDest::Path(path) => path.display().to_string(),
        OutputDest::Stdout => "standard output".to_owned(),
    }
}

/// A layout directory is asked for by one that exists, or by a slash at the end.
fn is_layout(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// Hands out a stream to write to; a file appears when all is written.
fn stream(
    dest: &OutputDest,
    stdout: &mut dyn Write,
    write: impl FnOnce(&mut dyn Write) -> Result<(), OutputError>,
) -> Result<u64, OutputError> {
    match dest {
        OutputDest::Path(path) => to_file(path, write),
        OutputDest::Stdout => to_stream(stdout, Path::new("standard output"), write),
    }
}

fn to_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), OutputError>,
) -> Result<u64, OutputError> {
    let dir = parent_of(path);
    let mut file = tempfile::Builder::new()
        .prefix(".iechor-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(&dir)
        .at("create a file in", &dir)?;
    let bytes = to_stream(file.as_file_mut(), path, write)?;
    let persisted: Result<File, io::Error> = file.persist(path).map_err(|error| error.error);
    persisted.at("rename a file to", path)?;
    Ok(bytes)
}

fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn to_stream(
    out: &mut dyn Write,
    name: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), OutputError>,
) -> Result<u64, OutputError> {
    let mut out = Counted {
        out: BufWriter::with_capacity(1 << 17, out),
        bytes: 0,
    };
    write(&mut out)?;
    out.flush().at("write", name)?;
    Ok(out.bytes)
}

/// Counts what is written.
struct Counted<W> {
    out: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
