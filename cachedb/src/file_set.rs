//! The files that a COPY, an ADD or a bind mount takes, reduced to what enters the key (C4 to C6).

use iechor_snapshotter::Digest;

use crate::canonical::{Decoder, Encoder, NotCanonical};
use crate::time::FileTime;

/// First byte of the encoding; another one means another encoding.
const VERSION: u8 = 1;

/// Least bytes that a file takes in the encoding.
const LEAST_FILE: usize = 47;

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

    /// The canonical encoding (`docs/cache-keys.md`).
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut to = Encoder::with_capacity(
            16 + self.files.iter().map(FileFact::encoded_len).sum::<usize>(),
        );
        to.tag(VERSION);
        to.tag(self.mode.tag());
        to.len(self.files.len());
        self.files.iter().for_each(|file| file.encode(&mut to));
        to.finish()
    }

    /// Reads what [`FileSet::encode`] wrote.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, NotCanonical> {
        let mut from = Decoder::new(bytes);
        if from.tag()? != VERSION {
            return Err(NotCanonical);
        }
        let mode = ContextDigest::from_tag(from.tag()?)?;
        let count = from.len()?;
        let mut files = Vec::with_capacity(from.capacity(count, LEAST_FILE));
        for _ in 0..count {
            files.push(FileFact::decode(&mut from)?);
        }
        from.end()?;
        Ok(Self { mode, files })
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

    fn encoded_len(&self) -> usize {
        LEAST_FILE + 32 + self.path.len() + self.target.len()
    }

    fn encode(&self, to: &mut Encoder) {
        to.string(&self.path);
        to.tag(self.kind as u8);
        to.u32(self.mode);
        to.u32(self.uid);
        to.u32(self.gid);
        to.u64(self.size);
        self.stamp.encode(to);
        to.string(&self.target);
        to.u64(self.rdev);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, NotCanonical> {
        Ok(Self {
            path: from.string()?.to_vec(),
            kind: FileKind::from_tag(from.tag()?)?,
            mode: from.u32()?,
            uid: from.u32()?,
            gid: from.u32()?,
            size: from.u64()?,
            stamp: Stamp::decode(from)?,
            target: from.string()?.to_vec(),
            rdev: from.u64()?,
        })
    }
}

impl Stamp {
    fn encode(&self, to: &mut Encoder) {
        match self {
            Self::Nothing => to.tag(0),
            Self::Mtime(time) => {
                to.tag(1);
                to.i64(time.secs);
                to.u32(time.nanos);
            }
            Self::Content(digest) => {
                to.tag(2);
                to.fixed(digest.as_bytes());
            }
        }
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, NotCanonical> {
        match from.tag()? {
            0 => Ok(Self::Nothing),
            1 => Ok(Self::Mtime(FileTime {
                secs: from.i64()?,
                nanos: from.u32()?,
            })),
            2 => from
                .array()
                .map(|bytes| Self::Content(Digest::from_bytes(bytes))),
            _ => Err(NotCanonical),
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

    const fn tag(self) -> u8 {
        match self {
            Self::Metadata => 1,
            Self::Content => 2,
        }
    }

    fn from_tag(tag: u8) -> Result<Self, NotCanonical> {
        [Self::Metadata, Self::Content]
            .into_iter()
            .find(|mode| mode.tag() == tag)
            .ok_or(NotCanonical)
    }
}

impl FileKind {
    const ALL: [Self; 7] = [
        Self::File,
        Self::Directory,
        Self::Symlink,
        Self::Fifo,
        Self::Socket,
        Self::CharDevice,
        Self::BlockDevice,
    ];

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

    fn from_tag(tag: u8) -> Result<Self, NotCanonical> {
        Self::ALL
            .into_iter()
            .find(|kind| *kind as u8 == tag)
            .ok_or(NotCanonical)
    }
}
