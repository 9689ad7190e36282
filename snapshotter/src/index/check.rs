//! Verification of an index file: after it no accessor can go out of bounds or in circles.

use zerocopy::FromBytes;

use super::format::{
    Counts, DirentRecord, HAS_PARENT, Header, InodeRecord, MAGIC, MOVED_FROM, NO_BLOB, NOTHING,
    SAME_PATH, Sections, Text, VERSION, WHITEOUT, XattrRecord,
};
use super::records::Records;
use crate::id::{Digest, SnapshotId};

/// Longest name of a directory entry or attribute (`NAME_MAX`, `XATTR_NAME_MAX`).
const NAME_MAX: usize = 255;

/// What is wrong with a layer index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// The first bytes are not those of a layer index.
    #[error("this is no layer index")]
    Magic,
    /// Written by another version of this program.
    #[error("format version {found} is not supported, only {VERSION}")]
    Version {
        /// The version that the file names.
        found: u32,
    },
    /// The file uses something that this version does not know.
    #[error("flags {0:#x} are not known")]
    Flags(u32),
    /// The file is shorter or longer than its header says.
    #[error("the file has {found} bytes instead of {expected}")]
    Length {
        /// Length by the header.
        expected: u64,
        /// Length of the file.
        found: u64,
    },
    /// The contents are not those that were written.
    #[error("the body has digest {found} instead of {expected}")]
    Digest {
        /// Digest by the header.
        expected: Digest,
        /// Digest of the body.
        found: Digest,
    },
    /// The contents belong to another snapshot than the name says.
    #[error("it belongs to snapshot {found}")]
    Misplaced {
        /// The id by the contents.
        found: SnapshotId,
    },
    /// Inode records contradict each other or the format.
    #[error("inode {inode}: {what}")]
    Inode {
        /// Number of the inode.
        inode: u32,
        /// What does not hold.
        what: &'static str,
    },
    /// The blob table is not sorted, or names a blob twice.
    #[error("the blob table is not sorted")]
    Blobs,
    /// There is more than the format's 32-bit numbers can count.
    #[error("the layer has too many entries or too much metadata for a layer index")]
    TooLarge,
}

/// Header and layout of a file whose frame is sound.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) parent: Option<SnapshotId>,
    pub(crate) digest: Digest,
    pub(crate) sections: Sections,
}

/// Checks everything that can be checked without the store.
pub(crate) fn verify(bytes: &[u8]) -> Result<Frame, IndexError> {
    let frame = frame(bytes)?;
    let found = Digest::of(&bytes[Sections::BODY..]);
    if found != frame.digest {
        return Err(IndexError::Digest {
            expected: frame.digest,
            found,
        });
    }
    Structure::new(Records::new(bytes, &frame.sections)).check()?;
    Ok(frame)
}

/// Reads header and counts, and compares the lengths that they give with the file's.
pub(crate) fn frame(bytes: &[u8]) -> Result<Frame, IndexError> {
    let (header, body) = Header::ref_from_prefix(bytes).map_err(|_| IndexError::Magic)?;
    if header.magic != MAGIC {
        return Err(IndexError::Magic);
    }
    if header.version.get() != VERSION {
        return Err(IndexError::Version {
            found: header.version.get(),
        });
    }
    let sections = sections(header, body)?;
    Ok(Frame {
        parent: parent(header)?,
        digest: Digest::from_bytes(header.digest),
        sections,
    })
}

fn parent(header: &Header) -> Result<Option<SnapshotId>, IndexError> {
    match header.flags.get() {
        HAS_PARENT => Ok(Some(SnapshotId::new(Digest::from_bytes(header.parent)))),
        0 => Ok(None),
        flags => Err(IndexError::Flags(flags)),
    }
}

fn sections(header: &Header, body: &[u8]) -> Result<Sections, IndexError> {
    let length = |expected: u64| IndexError::Length {
        expected,
        found: body.len() as u64,
    };
    if header.body_len.get() != body.len() as u64 {
        return Err(length(header.body_len.get()));
    }
    let (counts, _) =
        Counts::read_from_prefix(body).map_err(|_| length(size_of::<Counts>() as u64))?;
    let sections = Sections::of(&counts).ok_or(IndexError::TooLarge)?;
    let body_len = (sections.file_len() - Sections::BODY) as u64;
    if body_len != body.len() as u64 {
        return Err(length(body_len));
    }
    Ok(sections)
}

/// The walk over all records; `names` counts how often each inode was named so far.
struct Structure<'a> {
    records: Records<'a>,
    names: Vec<u32>,
    next_dirent: usize,
    next_xattr: usize,
}

impl<'a> Structure<'a> {
    fn new(records: Records<'a>) -> Self {
        let names = vec![0; records.inodes.len()];
        Self {
            records,
            names,
            next_dirent: 0,
            next_xattr: 0,
        }
    }

    fn check(mut self) -> Result<(), IndexError> {
        for (number, inode) in self.records.inodes.iter().enumerate() {
            let number = u32::try_from(number).map_err(|_| IndexError::TooLarge)?;
            self.check_inode(number, inode)
                .map_err(|what| IndexError::Inode {
                    inode: number,
                    what,
                })?;
        }
        self.check_totals()
            .map_err(|what| IndexError::Inode { inode: 0, what })?;
        self.records
            .blobs
            .is_sorted_by(|a, b| a < b)
            .then_some(())
            .ok_or(IndexError::Blobs)
    }

    fn check_inode(&mut self, number: u32, inode: &InodeRecord) -> Result<(), &'static str> {
        // Directories come before what they hold, so every name of this inode was seen.
        let names = self.names[number as usize];
        require(
            (names > 0) != (number == 0),
            "the root is named, or another inode is not",
        )?;
        require(
            inode.mode.get() & !(libc::S_IFMT | 0o7777) == 0,
            "the mode has unknown bits",
        )?;
        require(
            inode.mtime_nanos.get() < 1_000_000_000,
            "the mtime has a second of nanoseconds",
        )?;
        self.check_kind(number, inode, names)?;
        self.check_dirents(number, inode)?;
        self.check_xattrs(inode)
    }

    /// Checks that the payload is that of the file type, and the link count that of the names.
    fn check_kind(&self, number: u32, inode: &InodeRecord, names: u32) -> Result<(), &'static str> {
        let file_type = inode.file_type();
        let is_directory = file_type == libc::S_IFDIR;
        require(is_directory || number != 0, "the root is no directory")?;
        require(
            is_directory || inode.dirents.get() == 0,
            "no directory, but has entries",
        )?;
        require(
            is_directory || inode.below.get() == SAME_PATH,
            "no directory, but joins below",
        )?;
        let links_agree = if is_directory {
            names <= 1
        } else {
            inode.nlink.get() == names
        };
        require(links_agree, "the link count is not the number of names")?;
        match file_type {
            libc::S_IFREG => self.check_regular(inode),
            libc::S_IFDIR => self.check_directory(inode),
            libc::S_IFLNK => self.check_symlink(inode),
            libc::S_IFCHR | libc::S_IFBLK => no_payload(inode, Rdev::Allowed),
            libc::S_IFIFO | libc::S_IFSOCK => no_payload(inode, Rdev::Refused),
            _ => Err("the file type is unknown"),
        }
    }

    fn check_regular(&self, inode: &InodeRecord) -> Result<(), &'static str> {
        require(
            inode.text.len.get() == 0 && inode.rdev.get() == 0,
            "a file with a payload",
        )?;
        require(
            i64::try_from(inode.size.get()).is_ok(),
            "a file of more than 8 EiB",
        )?;
        let blob = inode.blob.get() as usize;
        require(
            blob < self.records.blobs.len(),
            "the blob is not in the table",
        )
    }

    fn check_directory(&self, inode: &InodeRecord) -> Result<(), &'static str> {
        require(
            inode.blob.get() == NO_BLOB && inode.size.get() == 0,
            "a directory with contents",
        )?;
        require(inode.rdev.get() == 0, "a directory with a device number")?;
        let text = self.text(inode.text)?;
        match inode.below.get() {
            SAME_PATH | NOTHING => require(text.is_empty(), "moved and yet not moved"),
            MOVED_FROM => require(is_clean_path(text), "moved from what is no path"),
            _ => Err("joins below in an unknown way"),
        }
    }

    fn check_symlink(&self, inode: &InodeRecord) -> Result<(), &'static str> {
        let target = self.text(inode.text)?;
        require(
            !target.is_empty() && !target.contains(&0),
            "a symlink without a target",
        )?;
        require(
            inode.size.get() == target.len() as u64,
            "the size of a symlink is not its target's",
        )?;
        require(
            inode.blob.get() == NO_BLOB && inode.rdev.get() == 0,
            "a symlink with contents",
        )
    }

    fn check_dirents(&mut self, number: u32, inode: &InodeRecord) -> Result<(), &'static str> {
        let range = inode.dirent_range();
        require(
            range.start == self.next_dirent,
            "its entries do not follow the last ones",
        )?;
        self.next_dirent = range.end;
        let dirents = self
            .records
            .dirents
            .get(range)
            .ok_or("its entries are out of bounds")?;
        let mut previous: &[u8] = b"";
        for dirent in dirents {
            let name = self.text(dirent.name)?;
            require(is_name(name), "an entry has no proper name")?;
            require(previous < name, "its entries are not sorted")?;
            previous = name;
            self.count_name(number, dirent)?;
        }
        Ok(())
    }

    fn count_name(&mut self, parent: u32, dirent: &DirentRecord) -> Result<(), &'static str> {
        let inode = dirent.inode.get();
        if inode == WHITEOUT {
            return Ok(());
        }
        require(inode > parent, "an entry leads upwards")?;
        let names = self
            .names
            .get_mut(inode as usize)
            .ok_or("an entry leads nowhere")?;
        *names += 1;
        Ok(())
    }

    fn check_xattrs(&mut self, inode: &InodeRecord) -> Result<(), &'static str> {
        let range = inode.xattr_range();
        require(
            range.start == self.next_xattr,
            "its attributes do not follow the last ones",
        )?;
        self.next_xattr = range.end;
        let xattrs = self
            .records
            .xattrs
            .get(range)
            .ok_or("its attributes are out of bounds")?;
        let mut previous: &[u8] = b"";
        for XattrRecord { name, value } in xattrs {
            let name = self.text(*name)?;
            self.text(*value)?;
            require(
                name.len() <= NAME_MAX && !name.contains(&0),
                "an attribute without a name",
            )?;
            require(previous < name, "its attributes are not sorted")?;
            previous = name;
        }
        Ok(())
    }

    fn check_totals(&self) -> Result<(), &'static str> {
        require(!self.names.is_empty(), "there is no root")?;
        require(
            self.next_dirent == self.records.dirents.len(),
            "entries of no directory",
        )?;
        require(
            self.next_xattr == self.records.xattrs.len(),
            "attributes of no inode",
        )
    }

    fn text(&self, text: Text) -> Result<&'a [u8], &'static str> {
        self.records
            .text
            .get(text.range())
            .ok_or("a text is out of bounds")
    }
}

/// Whether a kind of inode may have a device number.
#[derive(PartialEq, Eq)]
enum Rdev {
    Allowed,
    Refused,
}

fn no_payload(inode: &InodeRecord, rdev: Rdev) -> Result<(), &'static str> {
    require(
        inode.blob.get() == NO_BLOB && inode.size.get() == 0,
        "a special file with contents",
    )?;
    require(inode.text.len.get() == 0, "a special file with a text")?;
    require(
        rdev == Rdev::Allowed || inode.rdev.get() == 0,
        "a device number without a device",
    )
}

fn require(holds: bool, otherwise: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(otherwise) }
}

/// Whether the bytes can stand as one component of a path.
pub(crate) fn is_name(name: &[u8]) -> bool {
    let forbidden = name.is_empty() || name == b"." || name == b"..";
    !forbidden && name.len() <= NAME_MAX && !name.iter().any(|byte| matches!(byte, 0 | b'/'))
}

/// Whether this is an absolute path of proper names, other than the root.
fn is_clean_path(path: &[u8]) -> bool {
    path.strip_prefix(b"/")
        .is_some_and(|rest| rest.split(|byte| *byte == b'/').all(is_name))
}
