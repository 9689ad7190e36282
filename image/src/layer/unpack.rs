//! Unpacks a layer into a writer.
//!
//! A layer's archive says what changed on the layers below (OCI image-spec layer.md): entries,
//! and whiteouts for what is gone. Nothing is trusted: names, links, sizes, times, devices and
//! attributes may all be made to harm. The threats are
//! numbered in [`crate::layer`].

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use iechor_snapshotter::{BlobStore, DiffId, LayerWriter, Metadata, NodeKind, Timestamp};

use crate::descriptor::Descriptor;
use crate::layer::contents;
use crate::layer::entries::Entries;
use crate::layer::entry::{Entry, EntryKind};
pub use crate::layer::error::{Refusal, UnpackError};
use crate::layer::limits::Limits;
use crate::layer::name;
use crate::layer::stream::{Decoded, Encoding};
use crate::layer::whiteout::Whiteout;
use crate::progress::Progress;

/// What was unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpacked {
    /// Digest of the uncompressed archive.
    pub diff_id: DiffId,
    /// Bytes of the uncompressed archive.
    pub size: u64,
}

/// Unpacks a layer (OCI image-spec layer.md) into `writer`, contents into `blobs`.
///
/// The stream must have the digest and size of `layer`, and be of its media type; the archive in
/// it must have the diff ID. Progress counts compressed bytes. No link is followed, neither on
/// the host nor in the tree. On an error the writer has part of the layer: drop it.
pub fn unpack(
    reader: impl Read,
    layer: &Descriptor,
    diff_id: DiffId,
    writer: &mut LayerWriter,
    blobs: &BlobStore,
    limits: &Limits,
    progress: Progress<'_>,
) -> Result<Unpacked, UnpackError> {
    let encoding = Encoding::of_layer(&layer.media_type)?;
    let decoded = Decoded::new(reader, encoding, layer.size, limits, progress)?;
    let (compressed, decompressed) = (decoded.compressed.clone(), decoded.decompressed.clone());
    let unpacked = unpack_entries(decoded.archive, writer, blobs, limits);

    check_compressed(layer, compressed.bytes(), &unpacked)?;
    unpacked?;
    let (actual, expected) = (compressed.digest(), layer.digest);
    if actual != expected {
        return Err(UnpackError::DigestMismatch { actual, expected });
    }
    let (actual, expected) = (DiffId::new(decompressed.digest()), diff_id);
    match actual == expected {
        true => Ok(Unpacked {
            diff_id,
            size: decompressed.bytes(),
        }),
        false => Err(UnpackError::DiffIdMismatch { actual, expected }),
    }
}

/// A stream of the wrong length is told as such, not by the damage that it does further on.
fn check_compressed(
    layer: &Descriptor,
    actual: u64,
    unpacked: &Result<(), UnpackError>,
) -> Result<(), UnpackError> {
    let is_short = matches!(unpacked, Ok(()) | Err(UnpackError::Truncated { .. }));
    match actual > layer.size || (actual < layer.size && is_short) {
        true => Err(UnpackError::SizeMismatch {
            digest: layer.digest,
            actual,
            expected: layer.size,
        }),
        false => Ok(()),
    }
}

/// Reads an archive to its end and applies each entry.
fn unpack_entries(
    archive: impl Read,
    writer: &mut LayerWriter,
    blobs: &BlobStore,
    limits: &Limits,
) -> Result<(), UnpackError> {
    let mut entries = Entries::new(archive, limits);
    let mut layer = LayerUnpacker::new(writer, limits);
    while let Some(entry) = entries.next()? {
        layer.apply(entry, &mut entries, blobs)?;
    }
    Ok(())
}

/// A layer on its way into a writer.
struct LayerUnpacker<'a> {
    writer: &'a mut LayerWriter,
    limits: &'a Limits,
    /// What this layer has brought so far: whiteouts do not hide it.
    own: HashSet<PathBuf>,
    /// The directory of the last entry: known to be one, so that it is looked up but once.
    parent: Option<PathBuf>,
}

impl<'a> LayerUnpacker<'a> {
    fn new(writer: &'a mut LayerWriter, limits: &'a Limits) -> Self {
        Self {
            writer,
            limits,
            own: HashSet::new(),
            parent: None,
        }
    }

    fn apply<R: Read>(
        &mut self,
        entry: Entry,
        entries: &mut Entries<'_, R>,
        blobs: &BlobStore,
    ) -> Result<(), UnpackError> {
        let path = name::normalise(&entry.path, self.limits)?;
        match Whiteout::of(&path).map_err(|refusal| refusal.of(&entry.path))? {
            Whiteout::Name(hidden) => self.hide(&hidden, &entry),
            Whiteout::Opaque(dir) => self.make_opaque(&dir, &entry),
            Whiteout::Ignored => Ok(()),
            Whiteout::None => self.put(path, entry, entries, blobs),
        }
    }

    fn put<R: Read>(
        &mut self,
        path: PathBuf,
        entry: Entry,
        entries: &mut Entries<'_, R>,
        blobs: &BlobStore,
    ) -> Result<(), UnpackError> {
        self.enter_parent(&path, entry.metadata.mtime)?;
        match &entry.kind {
            EntryKind::HardLink(target) => self.link(&path, target, &entry)?,
            EntryKind::Directory => self.put_node(&path, NodeKind::Directory, entry.metadata)?,
            _ if path.as_os_str().is_empty() => return Err(Refusal::Root.of(&entry.path)),
            EntryKind::File { size, sparse } => {
                let kind = contents::store(entries, blobs, &path, *size, sparse.as_ref())?;
                self.put_node(&path, kind, entry.metadata)?;
            }
            other => {
                let kind = special(other).map_err(|refusal| refusal.of(&entry.path))?;
                self.put_node(&path, kind, entry.metadata)?;
            }
        }
        self.own.insert(path);
        Ok(())
    }

    fn put_node(
        &mut self,
        path: &Path,
        kind: NodeKind,
        metadata: Metadata,
    ) -> Result<(), UnpackError> {
        if kind != NodeKind::Directory {
            self.forget_parent(path);
        }
        Ok(self.writer.put(path, kind, metadata)?)
    }

    /// A hard link names a file of this tree, as a path without links; never a directory.
    fn link(&mut self, path: &Path, target: &[u8], entry: &Entry) -> Result<(), UnpackError> {
        let refuse = |reason| {
            let target = String::from_utf8_lossy(target).into_owned();
            Refusal::HardLink { target, reason }.of(&entry.path)
        };
        let target = name::normalise(target, self.limits)?;
        match self.writer.get(&target)? {
            None => return Err(refuse("which does not exist")),
            Some((NodeKind::Directory, _)) => return Err(refuse("which is a directory")),
            Some(_) if target == path => return Ok(()),
            Some(_) => {}
        }
        self.forget_parent(path);
        Ok(self.writer.link(path, &target)?)
    }

    /// Hides what the layers below have at a path. What this layer has brought there stays.
    fn hide(&mut self, path: &Path, entry: &Entry) -> Result<(), UnpackError> {
        self.enter_parent(path, entry.metadata.mtime)?;
        if !self.own.contains(path) {
            self.forget_parent(path);
            return Ok(self.writer.remove(path)?);
        }
        match self.writer.get(path)? {
            Some((NodeKind::Directory, _)) => Ok(self.writer.make_opaque(path)?),
            _ => Ok(()),
        }
    }

    fn make_opaque(&mut self, dir: &Path, entry: &Entry) -> Result<(), UnpackError> {
        self.enter_parent(&dir.join("x"), entry.metadata.mtime)?;
        Ok(self.writer.make_opaque(dir)?)
    }

    /// Makes sure that an entry's parents are directories (T2).
    ///
    /// A symbolic link among them is followed nowhere. One that this very layer has made is
    /// replaced by a directory, as the later entry wants it; one of a layer below is refused, for
    /// the entry would land where the archive does not say.
    fn enter_parent(&mut self, path: &Path, mtime: Timestamp) -> Result<(), UnpackError> {
        let Some((parent, _)) = name::split(path) else {
            return Ok(());
        };
        if self.parent.as_deref() == Some(parent) {
            return Ok(());
        }
        for dir in ancestors(parent) {
            self.enter(dir, path, mtime)?;
        }
        self.parent = Some(parent.to_owned());
        Ok(())
    }

    fn enter(&mut self, dir: &Path, path: &Path, mtime: Timestamp) -> Result<(), UnpackError> {
        match self.writer.get(dir)? {
            None | Some((NodeKind::Directory, _)) => {}
            Some((NodeKind::Symlink(_), _)) if self.own.contains(dir) => {
                self.writer
                    .put(dir, NodeKind::Directory, implied_directory(mtime))?;
            }
            Some(_) => {
                let parent = dir.display().to_string();
                return Err(Refusal::Parent { parent }.of(path.as_os_str().as_bytes()));
            }
        }
        self.own.insert(dir.to_owned());
        Ok(())
    }

    /// The directory of the last entry may have gone with `path`.
    fn forget_parent(&mut self, path: &Path) {
        if self
            .parent
            .as_ref()
            .is_some_and(|parent| parent.starts_with(path))
        {
            self.parent = None;
        }
    }
}

/// The directories on the way to `dir`, from the top, `dir` itself last; without the root.
fn ancestors(dir: &Path) -> impl Iterator<Item = &Path> {
    let mut up: Vec<&Path> = dir
        .ancestors()
        .filter(|dir| *dir != OsStr::new(""))
        .collect();
    up.reverse();
    up.into_iter()
}

fn implied_directory(mtime: Timestamp) -> Metadata {
    Metadata {
        mode: 0o755,
        mtime,
        ..Metadata::default()
    }
}

/// Devices, pipes and links: no more than facts about a name (T7).
pub(super) fn special(kind: &EntryKind) -> Result<NodeKind, Refusal> {
    match kind {
        EntryKind::Symlink(target) if target.contains(&0) => Err(Refusal::Nul("link target")),
        EntryKind::Symlink(target) => Ok(NodeKind::Symlink(target.clone())),
        EntryKind::CharDevice(0) => Err(Refusal::OverlayWhiteout),
        EntryKind::CharDevice(rdev) => Ok(NodeKind::CharDevice(*rdev)),
        EntryKind::BlockDevice(rdev) => Ok(NodeKind::BlockDevice(*rdev)),
        EntryKind::Fifo => Ok(NodeKind::Fifo),
        EntryKind::File { .. } | EntryKind::HardLink(_) | EntryKind::Directory => {
            Err(Refusal::UnexpectedContents)
        }
    }
}
