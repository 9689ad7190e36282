//! Contents of regular files, on their way from an archive into the blob store.

use std::io::{self, Read, Write};
use std::path::Path;

use iechor_snapshotter::{BlobStore, BlobWriter, NodeKind};

use crate::layer::entries::Entries;
use crate::layer::error::UnpackError;
use crate::layer::sparse::SparseMap;

/// Up to this size a file is read into memory and stored in one piece.
const SMALL: u64 = 128 << 10;
const BUFFER: usize = 128 << 10;

/// Stores the contents of the archive's current entry, holes kept as holes.
pub(super) fn store<R: Read>(
    entries: &mut Entries<'_, R>,
    blobs: &BlobStore,
    path: &Path,
    size: u64,
    sparse: Option<&SparseMap>,
) -> Result<NodeKind, UnpackError> {
    let (blob, size) = match sparse {
        None if size <= SMALL => {
            let mut bytes = Vec::new();
            let read = entries.contents().read_to_end(&mut bytes);
            read.map_err(|error| entries.broken(error))?;
            (blobs.put(&bytes)?, size)
        }
        None => {
            let mut out = Destination {
                blob: blobs.writer()?,
                path,
            };
            out.copy(entries, size)?;
            out.blob.finish()?
        }
        Some(map) => {
            let mut out = Destination {
                blob: blobs.writer()?,
                path,
            };
            out.copy_sparse(entries, map)?;
            out.blob.finish()?
        }
    };
    Ok(NodeKind::Regular { blob, size })
}

/// A blob being written, and for whom.
struct Destination<'a> {
    blob: BlobWriter,
    path: &'a Path,
}

impl Destination<'_> {
    /// Copies `length` stored bytes.
    fn copy<R: Read>(
        &mut self,
        entries: &mut Entries<'_, R>,
        mut length: u64,
    ) -> Result<(), UnpackError> {
        let mut buffer = vec![0; BUFFER.min(usize::try_from(length).unwrap_or(BUFFER))];
        while length > 0 {
            let wanted = buffer.len().min(usize::try_from(length).unwrap_or(BUFFER));
            let read = entries.contents().read(&mut buffer[..wanted]);
            let n = match read {
                Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                other => other,
            };
            let n = n.map_err(|error| entries.broken(error))?;
            self.blob
                .write_all(&buffer[..n])
                .map_err(|source| self.failed(source))?;
            length -= n as u64;
        }
        Ok(())
    }

    fn copy_sparse<R: Read>(
        &mut self,
        entries: &mut Entries<'_, R>,
        map: &SparseMap,
    ) -> Result<(), UnpackError> {
        let mut at = 0;
        for (offset, length) in &map.segments {
            self.skip(offset - at)?;
            self.copy(entries, *length)?;
            at = offset + length;
        }
        self.skip(map.size - at)
    }

    fn skip(&mut self, length: u64) -> Result<(), UnpackError> {
        match length {
            0 => Ok(()),
            _ => self.blob.skip(length).map_err(|source| self.failed(source)),
        }
    }

    fn failed(&self, source: io::Error) -> UnpackError {
        UnpackError::Contents {
            path: self.path.display().to_string(),
            source,
        }
    }
}
