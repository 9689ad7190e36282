//! Writing selected files into a layer.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::thread;

use iechor_frontend::ast::FileMode;
use iechor_snapshotter::{BlobStore, LayerWriter, Metadata, NodeKind, Timestamp, Xattr};

use super::CopyError;
use super::select::{Selected, Selection};
use super::source::{HardLink, SourceFile, SourceTree};

/// Files taken at once by one thread: small enough to share work, large enough to be cheap.
const BATCH: usize = 64;

/// Mode of directories that are made on the way to the destination.
const DIRECTORY_MODE: u32 = 0o755;

/// Owner and group of what is placed; none keeps the source's.
pub(crate) type Owner = Option<(u32, u32)>;

/// Where files go.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    /// As written, variables expanded.
    pub(crate) written: String,
    /// Absolute and cleaned, against WORKDIR.
    pub(crate) path: PathBuf,
    /// Whether links on the way are those of the snapshot below (not with `--link`).
    pub(crate) links: Links,
}

/// What symbolic links in the destination's path mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// They are followed, inside the snapshot.
    Followed,
    /// There are none: the layer does not depend on what is below.
    Absent,
}

impl Destination {
    /// Whether it is written as a directory: with a `/` at its end, or as `.` or `..`.
    pub(crate) fn is_directory(&self) -> bool {
        let last = self.written.rsplit('/').next().unwrap_or_default();
        matches!(last, "" | "." | "..")
    }
}

/// Writes files into a layer under construction.
#[derive(Debug)]
pub(crate) struct Placer<'a> {
    writer: &'a mut LayerWriter,
    blobs: &'a BlobStore,
    owner: Owner,
    mode: Option<FileMode>,
    /// Time of directories that are made on the way.
    now: Timestamp,
    /// Where the first name of each inode with several was placed.
    placed: HashMap<HardLink, PathBuf>,
}

impl<'a> Placer<'a> {
    pub(crate) fn new(
        writer: &'a mut LayerWriter,
        blobs: &'a BlobStore,
        owner: Owner,
        mode: Option<FileMode>,
        now: Timestamp,
    ) -> Self {
        Self {
            writer,
            blobs,
            owner,
            mode,
            now,
            placed: HashMap::new(),
        }
    }

    /// The destination's path in the layer.
    pub(crate) fn resolve(&self, destination: &Destination) -> Result<PathBuf, CopyError> {
        match destination.links {
            Links::Followed => Ok(self.writer.resolve(&destination.path)?),
            Links::Absent => Ok(destination
                .path
                .strip_prefix("/")
                .unwrap_or(&destination.path)
                .to_owned()),
        }
    }

    /// Whether a directory is at `path` already.
    pub(crate) fn is_directory(&self, path: &Path) -> Result<bool, CopyError> {
        Ok(matches!(
            self.writer.get(path)?,
            Some((NodeKind::Directory, _))
        ))
    }

    /// Places what one source selected.
    pub(crate) fn selection(
        &mut self,
        tree: &dyn SourceTree,
        selection: &Selection,
        destination: &Destination,
        several: bool,
    ) -> Result<(), CopyError> {
        let at = self.resolve(destination)?;
        let into = several
            || selection.by_wildcard
            || destination.is_directory()
            || self.is_directory(&at)?;
        for root in &selection.roots {
            self.root(tree, root, &at, into)?;
        }
        Ok(())
    }

    /// A directory's contents go into the destination; a file goes there under its name, or is it.
    fn root(
        &mut self,
        tree: &dyn SourceTree,
        root: &Selected,
        at: &Path,
        into: bool,
    ) -> Result<(), CopyError> {
        let base = at.join(&root.parents);
        if root.file.is_directory() {
            return self.tree(tree, root, &base);
        }
        let keeps_name = into || !root.parents.as_os_str().is_empty();
        let target = if keeps_name {
            base.join(&root.name)
        } else {
            base
        };
        self.make_parents(&target)?;
        let (kind, xattrs) = tree.take(&root.file, self.blobs)?;
        self.place(&target, &root.file, kind, xattrs)
    }

    fn tree(&mut self, tree: &dyn SourceTree, root: &Selected, at: &Path) -> Result<(), CopyError> {
        self.make_parents(at)?;
        // A directory that is there keeps its own mode and owner; what is copied is in it.
        if !self.is_directory(at)? {
            let (kind, xattrs) = tree.take(&root.file, self.blobs)?;
            self.place(at, &root.file, kind, xattrs)?;
        }
        for batch in root.below.chunks(BATCH * workers()) {
            for (file, taken) in batch.iter().zip(take_all(tree, batch, self.blobs)) {
                let (kind, xattrs) = taken?;
                let relative = file
                    .path
                    .strip_prefix(&root.file.path)
                    .unwrap_or(&file.path);
                self.place(&at.join(relative), file, kind, xattrs)?;
            }
        }
        Ok(())
    }

    fn place(
        &mut self,
        target: &Path,
        file: &SourceFile,
        kind: NodeKind,
        xattrs: Vec<Xattr>,
    ) -> Result<(), CopyError> {
        self.refuse_conflict(target, file, &kind)?;
        if let Some(first) = file.hard_link.and_then(|inode| self.placed.get(&inode)) {
            return Ok(self.writer.link(target, &first.clone())?);
        }
        let directory = kind == NodeKind::Directory;
        let (uid, gid) = self.owner.unwrap_or((file.uid, file.gid));
        let mode = self
            .mode
            .as_ref()
            .map_or(file.mode, |mode| mode.apply(file.mode, directory));
        self.writer.put(
            target,
            kind,
            Metadata {
                mode,
                uid,
                gid,
                mtime: file.mtime,
                xattrs,
            },
        )?;
        if let Some(inode) = file.hard_link {
            self.placed.insert(inode, target.to_owned());
        }
        Ok(())
    }

    /// A directory never replaces something else, nor something else a directory: whoever writes
    /// `COPY rootfs/ /` must not lose `/lib -> usr/lib` by it.
    fn refuse_conflict(
        &self,
        target: &Path,
        file: &SourceFile,
        kind: &NodeKind,
    ) -> Result<(), CopyError> {
        let Some((there, _)) = self.writer.get(target)? else {
            return Ok(());
        };
        if (there == NodeKind::Directory) == (*kind == NodeKind::Directory) {
            return Ok(());
        }
        let what = if file.is_directory() {
            "directory"
        } else {
            "file"
        };
        Err(CopyError::KindConflict {
            what: format!("{what} {}", file.path.display()),
            onto: Path::new("/").join(target),
            is: name_of(&there),
        })
    }

    /// Places bytes as a file: a heredoc, a file that was fetched.
    pub(crate) fn file(
        &mut self,
        target: &Path,
        kind: NodeKind,
        mode: u32,
        mtime: Timestamp,
    ) -> Result<(), CopyError> {
        self.make_parents(target)?;
        let (uid, gid) = self.owner.unwrap_or((0, 0));
        let mode = self
            .mode
            .as_ref()
            .map_or(mode, |change| change.apply(mode, false));
        Ok(self.writer.put(
            target,
            kind,
            Metadata {
                mode,
                uid,
                gid,
                mtime,
                xattrs: Vec::new(),
            },
        )?)
    }

    /// Makes the directory `at` if it is missing, and those above it.
    pub(crate) fn make_directory(&mut self, at: &Path) -> Result<(), CopyError> {
        self.make_parents(&at.join(OsStr::new("x")))
    }

    /// Directories that are missing above `target` get the owner of what is placed in them.
    fn make_parents(&mut self, target: &Path) -> Result<(), CopyError> {
        let missing = self.missing_parents(target)?;
        let (uid, gid) = self.owner.unwrap_or((0, 0));
        for dir in missing.iter().rev() {
            let metadata = Metadata {
                mode: DIRECTORY_MODE,
                uid,
                gid,
                mtime: self.now,
                xattrs: Vec::new(),
            };
            self.writer.put(dir, NodeKind::Directory, metadata)?;
        }
        Ok(())
    }

    fn missing_parents(&self, target: &Path) -> Result<Vec<PathBuf>, CopyError> {
        let mut missing = Vec::new();
        for dir in target
            .ancestors()
            .skip(1)
            .take_while(|dir| !dir.as_os_str().is_empty())
        {
            if self.writer.get(dir)?.is_some() {
                break;
            }
            missing.push(dir.to_owned());
        }
        Ok(missing)
    }
}

type Taken = Result<(NodeKind, Vec<Xattr>), CopyError>;

/// Reads files on all processors; the answers are in the order of the files.
fn take_all(tree: &dyn SourceTree, files: &[SourceFile], blobs: &BlobStore) -> Vec<Taken> {
    let batches: Vec<&[SourceFile]> = files.chunks(BATCH).collect();
    let take = |batch: &[SourceFile]| {
        batch
            .iter()
            .map(|file| tree.take(file, blobs))
            .collect::<Vec<_>>()
    };
    let [first, rest @ ..] = batches.as_slice() else {
        return Vec::new();
    };
    thread::scope(|scope| {
        let others: Vec<_> = rest
            .iter()
            .map(|batch| scope.spawn(move || take(batch)))
            .collect();
        let mut taken = take(first);
        for other in others {
            // A thread that panicked has told so on its own; the panic goes on here.
            taken.extend(
                other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            );
        }
        taken
    })
}

fn workers() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn name_of(kind: &NodeKind) -> &'static str {
    match kind {
        NodeKind::Directory => "a directory",
        NodeKind::Regular { .. } => "a file",
        NodeKind::Symlink(_) => "a symbolic link",
        NodeKind::CharDevice(_) | NodeKind::BlockDevice(_) => "a device",
        NodeKind::Fifo => "a named pipe",
        NodeKind::Socket => "a socket",
    }
}
