//! What of the selected files enters the key (rules C4 to C6).
//!
//! By default that is path, kind, mode, owner as copied, size and modification time; of a
//! directory neither size nor time, which change with files that are not involved (C5).

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use iechor_cachedb::{
    CacheDb, ContextDigest, FileFact, FileKind as FactKind, FileSet, FileTime, Stamp, StatMemo,
    StatStamp,
};
use iechor_snapshotter::{BlobStore, Digest, NodeKind, Timestamp};

use super::CopyError;
use super::select::Selection;
use super::source::{FileKind, SourceFile, SourceTree, Witness};
use crate::digesting::Digesting;
use crate::error::StepError;
use crate::path_error::AtPath;

/// A file whose ctime is younger than this may change again within the clock's grain.
const RACY: i64 = 2;

/// Whose owner a copied file gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// Root's: files of the host.
    Root,
    /// The source's own: files of a snapshot.
    Kept,
}

/// How the selected files are stamped.
#[derive(Clone, Copy)]
pub(crate) enum Stamps<'a> {
    /// By modification time.
    Mtime,
    /// By the digest of their contents, remembered by what `stat` says.
    Content {
        /// Where digests are remembered.
        memo: &'a CacheDb,
        /// Where a snapshot's contents are.
        blobs: &'a BlobStore,
        /// Whether what is read stays.
        keep: Keep,
        /// Seconds since the epoch.
        now: i64,
    },
}

/// What becomes of contents that were read for their digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// They go into the blob store, where COPY finds them, and their digests into the memo.
    Contents,
    /// Nothing is written: for a dry run.
    Nothing,
}

/// The facts of `selection`, fit for a key.
pub(crate) fn file_set(
    tree: &dyn SourceTree,
    selection: &Selection,
    ownership: Ownership,
    stamps: Stamps<'_>,
) -> Result<FileSet, StepError> {
    let files: Vec<&SourceFile> = selection.files().collect();
    let (mode, stamps) = match stamps {
        Stamps::Mtime => (
            ContextDigest::Metadata,
            files.iter().map(|file| mtime(file)).collect(),
        ),
        Stamps::Content {
            memo,
            blobs,
            keep,
            now,
        } => (
            ContextDigest::Content,
            Contents {
                tree,
                memo,
                blobs,
                keep,
                now,
            }
            .of(&files)?,
        ),
    };
    let facts = files
        .iter()
        .zip(stamps)
        .map(|(file, stamp)| fact(file, ownership, stamp));
    Ok(FileSet::new(mode, facts.collect()))
}

/// The change times behind a selection of host files, for the warning of rule C6.
pub(crate) fn ctimes(selection: &Selection) -> impl Iterator<Item = (Vec<u8>, FileTime)> {
    selection
        .files()
        .filter(|file| file.kind == FileKind::Regular)
        .filter_map(|file| {
            let witness = file.witness?;
            Some((bytes(&file.path), file_time(witness.ctime)))
        })
}

fn fact(file: &SourceFile, ownership: Ownership, stamp: Stamp) -> FileFact {
    let (uid, gid) = match ownership {
        Ownership::Root => (0, 0),
        Ownership::Kept => (file.uid, file.gid),
    };
    let (kind, target, rdev) = match &file.kind {
        FileKind::Directory => (FactKind::Directory, Vec::new(), 0),
        FileKind::Regular => (FactKind::File, Vec::new(), 0),
        FileKind::Symlink(target) => (FactKind::Symlink, target.clone(), 0),
        FileKind::CharDevice(rdev) => (FactKind::CharDevice, Vec::new(), *rdev),
        FileKind::BlockDevice(rdev) => (FactKind::BlockDevice, Vec::new(), *rdev),
        FileKind::Fifo => (FactKind::Fifo, Vec::new(), 0),
        FileKind::Socket => (FactKind::Socket, Vec::new(), 0),
    };
    FileFact {
        path: bytes(&file.path),
        kind,
        mode: file.mode,
        uid,
        gid,
        size: file.size,
        stamp,
        target,
        rdev,
    }
}

fn mtime(file: &SourceFile) -> Stamp {
    if file.is_directory() {
        Stamp::Nothing
    } else {
        Stamp::Mtime(file_time(file.mtime))
    }
}

struct Contents<'a> {
    tree: &'a dyn SourceTree,
    memo: &'a CacheDb,
    blobs: &'a BlobStore,
    keep: Keep,
    now: i64,
}

impl Contents<'_> {
    /// A stamp for each file; only files that the memo does not know are read.
    fn of(&self, files: &[&SourceFile]) -> Result<Vec<Stamp>, StepError> {
        let known = self.remembered(files)?;
        let mut stamps = Vec::with_capacity(files.len());
        let mut learnt = Vec::new();
        for (file, known) in files.iter().zip(known) {
            if file.kind != FileKind::Regular {
                stamps.push(Stamp::Nothing);
                continue;
            }
            let digest = match known {
                Some(digest) => digest,
                None => self.read(file, &mut learnt)?,
            };
            stamps.push(Stamp::Content(digest));
        }
        if self.keep == Keep::Contents {
            self.memo.put_stat_memos(&learnt)?;
        }
        Ok(stamps)
    }

    fn remembered(&self, files: &[&SourceFile]) -> Result<Vec<Option<Digest>>, StepError> {
        let stamps: Vec<Option<StatStamp>> = files.iter().map(|file| stat_stamp(file)).collect();
        let asked: Vec<StatStamp> = stamps.iter().flatten().copied().collect();
        let mut answers = self.memo.stat_memos(&asked)?.into_iter();
        Ok(stamps
            .iter()
            .map(|stamp| stamp.and_then(|_| answers.next().flatten()))
            .collect())
    }

    fn read(&self, file: &SourceFile, learnt: &mut Vec<StatMemo>) -> Result<Digest, StepError> {
        if self.keep == Keep::Nothing && file.witness.is_some() {
            let mut digesting = Digesting::default();
            let copied = io::copy(&mut self.tree.open(file)?, &mut digesting);
            copied.at("read", &file.path)?;
            return Ok(digesting.finish().0);
        }
        let (NodeKind::Regular { blob: content, .. }, _) = self.tree.take(file, self.blobs)? else {
            return Err(CopyError::Changed {
                path: file.path.clone(),
            }
            .into());
        };
        if let Some(stamp) = stat_stamp(file).filter(|stamp| self.now - stamp.ctime.secs >= RACY) {
            learnt.push(StatMemo { stamp, content });
        }
        Ok(content)
    }
}

/// None for files of a snapshot, whose digests are known without reading.
fn stat_stamp(file: &SourceFile) -> Option<StatStamp> {
    let Witness { inode, ctime } = file.witness?;
    Some(StatStamp {
        dev: inode.device,
        ino: inode.number,
        size: file.size,
        mtime: file_time(file.mtime),
        ctime: file_time(ctime),
    })
}

fn file_time(time: Timestamp) -> FileTime {
    FileTime {
        secs: time.secs,
        nanos: time.nanos,
    }
}

fn bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_vec()
}
