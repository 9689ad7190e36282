//! Unpacks local archives: `ADD rootfs.tar.xz /`.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use iechor_snapshotter::{BlobStore, LayerWriter, Metadata, NodeKind};

use crate::layer::contents;
use crate::layer::entries::Entries;
use crate::layer::entry::{Entry, EntryKind};
use crate::layer::error::{Refusal, UnpackError};
use crate::layer::limits::Limits;
use crate::layer::name;
use crate::layer::stream::{Decoded, Encoding};
use crate::layer::unpack::special;
use crate::progress::{self, Progress};

/// How many bytes tell a file's encoding.
const MAGIC: u64 = 6;

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

/// Whether bytes are an archive that [`unpack_archive`] reads: tar, plain or compressed with gzip,
/// bzip2, xz or zstd. Reads no further than the first header; what cannot be read is no archive.
pub fn is_archive(reader: impl Read) -> bool {
    let limits = Limits::default();
    let Ok(decoded) = decode(reader, &limits, &progress::silent) else {
        return false;
    };
    matches!(Entries::new(decoded.archive, &limits).header(), Ok(Some(_)))
}

/// Unpacks an archive as `ADD` does, and gives the number of entries.
///
/// An entry below a symbolic link of the tree goes where the link leads inside the tree; a link in
/// the place of the entry itself is replaced. Names that begin with `.wh.` are plain names. On an
/// error the writer has part of the archive: drop it.
pub fn unpack_archive(
    reader: impl Read,
    placement: &ArchivePlacement<'_>,
    writer: &mut LayerWriter,
    blobs: &BlobStore,
    limits: &Limits,
    progress: Progress<'_>,
) -> Result<u64, UnpackError> {
    let decoded = decode(reader, limits, progress)?;
    let mut entries = Entries::new(decoded.archive, limits);
    let mut archive = ArchiveUnpacker {
        placement,
        writer,
        limits,
        parent: None,
    };
    let mut count = 0;
    while let Some(entry) = entries.next()? {
        archive.put(entry, &mut entries, blobs)?;
        count += 1;
    }
    Ok(count)
}

/// Decodes by the first bytes.
fn decode<'a>(
    mut reader: impl Read + 'a,
    limits: &'a Limits,
    progress: Progress<'a>,
) -> Result<Decoded<'a>, UnpackError> {
    let mut head = Vec::new();
    reader
        .by_ref()
        .take(MAGIC)
        .read_to_end(&mut head)
        .map_err(UnpackError::Read)?;
    let encoding = Encoding::of_bytes(&head);
    let whole = io::Cursor::new(head).chain(reader);
    Decoded::new(whole, encoding, u64::MAX - 1, limits, progress)
}

/// An archive on its way into a tree.
struct ArchiveUnpacker<'a> {
    placement: &'a ArchivePlacement<'a>,
    writer: &'a mut LayerWriter,
    limits: &'a Limits,
    /// The directory of the last entry, as named and as resolved.
    parent: Option<(PathBuf, PathBuf)>,
}

impl ArchiveUnpacker<'_> {
    fn put<R: Read>(
        &mut self,
        entry: Entry,
        entries: &mut Entries<'_, R>,
        blobs: &BlobStore,
    ) -> Result<(), UnpackError> {
        let path = name::normalise(&entry.path, self.limits)?;
        let Some(path) = self.resolve(&path, &entry)? else {
            // The archive's own root: the destination keeps what it is.
            return Ok(());
        };
        let kind = match &entry.kind {
            EntryKind::HardLink(target) => return self.link(&path, target, &entry),
            EntryKind::Directory => NodeKind::Directory,
            EntryKind::File { size, sparse } => {
                contents::store(entries, blobs, &path, *size, sparse.as_ref())?
            }
            other => special(other).map_err(|refusal| refusal.of(&entry.path))?,
        };
        self.forget_parent(&path, &kind);
        let metadata = self.placed(entry.metadata, &kind);
        Ok(self.writer.put(&path, kind, metadata)?)
    }

    /// Where an entry goes: its parents followed, itself not. None for the root of the archive.
    fn resolve(&mut self, path: &Path, entry: &Entry) -> Result<Option<PathBuf>, UnpackError> {
        let Some((parent, last)) = name::split(path) else {
            return match entry.kind {
                EntryKind::Directory => Ok(None),
                _ => Err(Refusal::Root.of(&entry.path)),
            };
        };
        if let Some((_, resolved)) = self.parent.as_ref().filter(|(named, _)| named == parent) {
            return Ok(Some(resolved.join(last)));
        }
        let resolved = self
            .writer
            .resolve(&self.placement.directory.join(parent))?;
        self.check_parents(&resolved, entry)?;
        self.parent = Some((parent.to_owned(), resolved.clone()));
        Ok(Some(resolved.join(last)))
    }

    /// None of the directories on the way may be something else.
    fn check_parents(&self, resolved: &Path, entry: &Entry) -> Result<(), UnpackError> {
        for dir in resolved.ancestors() {
            match self.writer.get(dir)? {
                None => {}
                Some((NodeKind::Directory, _)) => return Ok(()),
                Some(_) => {
                    let parent = dir.display().to_string();
                    return Err(Refusal::Parent { parent }.of(&entry.path));
                }
            }
        }
        Ok(())
    }

    fn link(&mut self, path: &Path, target: &[u8], entry: &Entry) -> Result<(), UnpackError> {
        let refuse = |reason| {
            let target = String::from_utf8_lossy(target).into_owned();
            Refusal::HardLink { target, reason }.of(&entry.path)
        };
        let named = name::normalise(target, self.limits)?;
        let Some((parent, last)) = name::split(&named) else {
            return Err(refuse("which is a directory"));
        };
        let parent = self
            .writer
            .resolve(&self.placement.directory.join(parent))?;
        let target = parent.join(last);
        match self.writer.get(&target)? {
            None => Err(refuse("which does not exist")),
            Some((NodeKind::Directory, _)) => Err(refuse("which is a directory")),
            Some(_) if target == path => Ok(()),
            Some((kind, _)) => {
                self.forget_parent(path, &kind);
                Ok(self.writer.link(path, &target)?)
            }
        }
    }

    /// Applies `--chown` and `--chmod`; a symbolic link has no mode of its own.
    fn placed(&self, mut metadata: Metadata, kind: &NodeKind) -> Metadata {
        if let Some((uid, gid)) = self.placement.owner {
            (metadata.uid, metadata.gid) = (uid, gid);
        }
        match (self.placement.chmod, kind) {
            (None, _) | (_, NodeKind::Symlink(_)) => {}
            (Some(chmod), kind) => {
                let is_directory = *kind == NodeKind::Directory;
                metadata.mode = chmod(metadata.mode, is_directory) & 0o7777;
            }
        }
        metadata
    }

    /// The directory of the last entry may have gone with what was at `path`.
    fn forget_parent(&mut self, path: &Path, kind: &NodeKind) {
        let is_gone = |(_, resolved): &(PathBuf, PathBuf)| resolved.starts_with(path);
        // A directory, too, may take the place of a link that names were resolved through.
        if *kind == NodeKind::Directory || self.parent.as_ref().is_some_and(is_gone) {
            self.parent = None;
        }
    }
}
