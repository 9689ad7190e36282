//! The files that a COPY, an ADD or a bind mount takes, reduced to what enters the key (C4 to C6).

use iechor_snapshotter::Digest;

use crate::time::FileTime;

mod encoding;

/// How files of the build context enter keys; the two never share a key (C6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ContextDigest {
    /// By size and modification time: the documented behaviour.
    #[default]
    Metadata,
    /// By content, for fresh clones and CI, where modification times are noise.
    Content,
}

/// Type of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FileKind {
    /// Regular file.
    File = 1,
    /// Directory.
    Directory = 2,
    /// Symbolic link.
    Symlink = 3,
    /// Named pipe.
    Fifo = 4,
    /// Socket.
    Socket = 5,
    /// Character device.
    CharDevice = 6,
    /// Block device.
    BlockDevice = 7,
}

/// What stands for a file's content in the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stamp {
    /// Nothing: directories, and whatever has no content in content mode.
    Nothing,
    /// The modification time ([`ContextDigest::Metadata`]).
    Mtime(FileTime),
    /// The content's digest ([`ContextDigest::Content`]).
    Content(Digest),
}

/// One file as it enters a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFact {
    /// Path relative to the context's (or the source's) root, without a leading slash.
    pub path: Vec<u8>,
    /// Type.
    pub kind: FileKind,
    /// Permission bits as copied, `0o7777` at most.
    pub mode: u32,
    /// Owner as copied.
    pub uid: u32,
    /// Group as copied.
    pub gid: u32,
    /// Bytes; of a symbolic link, the target's length.
    pub size: u64,
    /// What stands for the content.
    pub stamp: Stamp,
    /// A symbolic link's target, else empty.
    pub target: Vec<u8>,
    /// A device's number, else 0.
    pub rdev: u64,
}

/// The files that one source of an instruction takes, in path order, each path once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSet {
    mode: ContextDigest,
    files: Vec<FileFact>,
}

impl FileSet {
    /// Takes files in any order.
    ///
    /// A directory's size and time are dropped: they change when a file that is left out comes or
    /// goes (C5). Of equal paths the first stays.
    pub fn new(mode: ContextDigest, mut files: Vec<FileFact>) -> Self {
        files
            .iter_mut()
            .for_each(FileFact::forget_what_strangers_change);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|later, first| later.path == first.path);
        Self { mode, files }
    }

    /// How the files' contents are represented.
    pub fn mode(&self) -> ContextDigest {
        self.mode
    }

    /// The files in path order.
    pub fn files(&self) -> &[FileFact] {
        &self.files
    }

    /// Digest of the canonical encoding: what enters the key.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.encode())
    }
}

impl FileFact {
    /// A directory's size and times tell of files that are left out, too (C5).
    fn forget_what_strangers_change(&mut self) {
        if self.kind == FileKind::Directory {
            self.size = 0;
            self.stamp = Stamp::Nothing;
        }
    }
}

impl ContextDigest {
    /// The option's value: `metadata` or `content`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Content => "content",
        }
    }
}

impl FileKind {
    /// What people call it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Symlink => "symbolic link",
            Self::Fifo => "named pipe",
            Self::Socket => "socket",
            Self::CharDevice => "character device",
            Self::BlockDevice => "block device",
        }
    }
}
