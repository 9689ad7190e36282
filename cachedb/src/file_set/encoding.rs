//! The canonical encoding of a set of files (`docs/cache-keys.md`).

use iechor_snapshotter::Digest;

use super::{ContextDigest, FileFact, FileKind, FileSet, Stamp};
use crate::canonical::{Decoder, Encoder, NotCanonical};
use crate::time::FileTime;

/// First byte of the encoding; another one means another encoding.
const VERSION: u8 = 1;

/// Least bytes that a file takes in the encoding.
const LEAST_FILE: usize = 47;

impl FileSet {
    /// What the digest is taken of, and what is stored.
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

    fn from_tag(tag: u8) -> Result<Self, NotCanonical> {
        Self::ALL
            .into_iter()
            .find(|kind| *kind as u8 == tag)
            .ok_or(NotCanonical)
    }
}
