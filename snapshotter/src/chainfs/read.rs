//! READ: contents of a regular file.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::nodes::Node;
use super::{ChainFs, FileKind, FsError, Ino};

/// A regular file, ready to be read.
pub(super) struct Contents {
    pub(super) file: Arc<File>,
    pub(super) size: u64,
}

impl ChainFs {
    /// Reads from `offset` on until the buffer is full or the file ends; says how many bytes.
    ///
    /// # Errors
    ///
    /// [`FsError::IsADirectory`], [`FsError::WrongKind`] and [`FsError::Stale`];
    /// [`FsError::Lost`] when the blob is missing, short or unreadable, which counts as a fault.
    pub fn read(&self, ino: Ino, offset: u64, buffer: &mut [u8]) -> Result<usize, FsError> {
        let Some(contents) = self.contents(ino)? else {
            return Ok(0);
        };
        let rest = contents.size.saturating_sub(offset);
        let length = usize::try_from(rest)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let part = buffer.get_mut(..length).unwrap_or_default();
        contents
            .file
            .read_exact_at(part, offset)
            .map_err(|error| self.lost(ino, &error))?;
        Ok(length)
    }

    /// The contents of a regular file; none for a virtual one, which is empty.
    pub(super) fn contents(&self, ino: Ino) -> Result<Option<Contents>, FsError> {
        let Some((layer, inode)) = self.layers.file(ino) else {
            return match self.node(ino) {
                Ok(Node::Stub(..)) => Ok(None),
                Ok(Node::Directory(_)) => Err(FsError::IsADirectory),
                Err(error) => Err(error),
            };
        };
        let stat = layer.index().stat(inode);
        match FileKind::of_mode(stat.mode) {
            FileKind::Regular => {}
            FileKind::Directory => return Err(FsError::IsADirectory),
            _ => return Err(FsError::WrongKind),
        }
        let blob = layer.index().blob(inode).ok_or(FsError::WrongKind)?;
        let file = self
            .blobs
            .get(blob)
            .map_err(|error| self.lost(ino, &error))?;
        Ok(Some(Contents {
            file,
            size: stat.size,
        }))
    }

    /// Counts a fault of the store.
    pub(super) fn lost(&self, ino: Ino, error: &dyn std::error::Error) -> FsError {
        let lost = FsError::Lost {
            ino,
            reason: with_causes(error),
        };
        self.faults.record(&lost.to_string());
        lost
    }
}

/// An error with its causes in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}
