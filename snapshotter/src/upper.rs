//! Reading what a step changed: the kernel overlayfs' upper directory, as a draft of a layer.
//!
//! Only what changed is visited. New contents are linked (or copied) into the blob store; what overlayfs notes
//! in its own ways (devices 0:0, `trusted.overlay.*`) becomes whiteouts, opaque marks, moves and
//! references to blobs below. See the kernel's `Documentation/filesystems/overlayfs.rst`.

mod contents;
mod found;
mod marks;
#[cfg(test)]
mod tests;
mod virtual_entries;
mod walk;

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use self::contents::Contents;
use self::virtual_entries::VirtualEntries;
use self::walk::Walk;
use crate::blob::BlobStore;
use crate::chain::Chain;
use crate::layer::draft::Draft;
use crate::layer::overlaid::Overlaid;
use crate::layer::prune::changes_nothing;
use crate::store::StoreError;

/// Why something that a step left cannot be committed.
#[derive(Debug, thiserror::Error)]
pub enum UpperError {
    /// A system call failed.
    #[error("{action} it")]
    Io {
        /// What was being done: "cannot stat".
        action: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// Its contents could not be stored.
    #[error("cannot store its contents")]
    Contents(#[source] Box<StoreError>),
    /// Overlayfs says that its contents are those of a file that is not there.
    #[error("its contents are those of {0}, which is no file of the chain below")]
    NoContents(PathBuf),
    /// Overlayfs says that a directory was moved from one that is not there.
    #[error("it was moved from {0}, which is no directory of the chain below")]
    NoOrigin(PathBuf),
    /// There are too many directories in each other.
    #[error(
        "it lies more than {} directories deep",
        crate::layer::entry::DEPTH_MAX
    )]
    TooDeep,
    /// It is of a type that a layer cannot hold.
    #[error("it has the unknown file type {0:#o}")]
    FileType(u32),
}

/// What becomes of the files of an upper whose contents are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    /// They become the store's own, as they lie there: the upper is of no use afterwards.
    Adopt,
    /// They are copied, sharing blocks where the file system can: the upper goes on being used.
    Copy,
}

/// Reads an upper directory, taking its new files into the blob store; none when it changes
/// nothing of the chain.
pub(crate) fn read(
    upper: &OwnedFd,
    chain: &Chain,
    virtual_entries: &[&Path],
    blobs: &BlobStore,
    take: Take,
) -> Result<Option<Draft>, StoreError> {
    let virtual_entries = VirtualEntries::new(virtual_entries);
    let draft = Contents::store_all(blobs, take, |contents| {
        Walk::new(chain, &virtual_entries, contents).read_all(upper)
    })?;
    let changes = !changes_nothing(Overlaid {
        draft: &draft,
        chain,
    });
    Ok(changes.then_some(draft))
}
