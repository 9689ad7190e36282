//! Unpacks local archives: `ADD rootfs.tar.xz /`.

use std::fmt;
use std::io::Read;
use std::path::PathBuf;

use iechor_snapshotter::{BlobStore, LayerWriter};

use crate::layer::limits::Limits;
use crate::layer::unpack::UnpackError;
use crate::progress::Progress;

/// Where an archive's entries go, and as whose.
#[derive(Default)]
pub struct ArchivePlacement<'a> {
    /// Directory in the tree, with links resolved (see [`LayerWriter::resolve`]); need not exist.
    pub directory: PathBuf,
    /// User and group of everything unpacked, in place of the archive's own.
    pub owner: Option<(u32, u32)>,
    /// Changes permission bits (`07777`): gets them, and whether the entry is a directory.
    pub chmod: Option<&'a dyn Fn(u32, bool) -> u32>,
}

impl fmt::Debug for ArchivePlacement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchivePlacement")
            .field("directory", &self.directory)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

/// Whether bytes begin as an archive that [`unpack_archive`] reads: tar, plain or compressed with
/// gzip, bzip2, xz or zstd. Reads at most one block of the
/// archive.
pub fn is_archive(reader: impl Read) -> bool {
    todo!()
}

/// Unpacks an archive as `ADD` does: an entry below a symbolic link of the tree goes where the
/// link leads inside the tree. Names that begin with `.wh.` are plain names. Gives the number of
/// entries.
pub fn unpack_archive(
    reader: impl Read,
    placement: &ArchivePlacement<'_>,
    writer: &mut LayerWriter,
    blobs: &BlobStore,
    limits: &Limits,
    progress: Progress<'_>,
) -> Result<u64, UnpackError> {
    todo!()
}
