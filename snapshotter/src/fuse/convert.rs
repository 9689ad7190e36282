//! Between our types and those of the FUSE library.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{Errno, FileAttr, FileType, INodeNo};

use crate::chainfs::{Attr, FileKind, FsError, Ino, Totals};
use crate::layer::Timestamp;

/// How long the kernel may keep what it was told: 136 years. More seconds than 32 bits hold would
/// overflow in some kernels.
pub(super) const FOR_EVER: Duration = Duration::from_secs(u32::MAX as u64);

pub(super) fn ino(number: INodeNo) -> Ino {
    Ino::from_raw(number.0)
}

pub(super) fn number(ino: Ino) -> INodeNo {
    INodeNo(ino.get())
}

pub(super) fn errno(error: &FsError) -> Errno {
    Errno::from_i32(error.errno().raw_os_error())
}

pub(super) fn file_attr(attr: &Attr) -> FileAttr {
    let time = system_time(attr.mtime);
    FileAttr {
        ino: number(attr.ino),
        size: attr.size,
        blocks: attr.size.div_ceil(512),
        atime: time,
        mtime: time,
        ctime: time,
        crtime: time,
        kind: file_type(attr.kind),
        perm: attr.permissions,
        nlink: attr.nlink,
        uid: attr.uid,
        gid: attr.gid,
        // The kernel's 32-bit form of a device number is the low half of `st_rdev`.
        rdev: attr.rdev as u32,
        blksize: Totals::BLOCK,
        flags: 0,
    }
}

/// Attributes of inode number 0: as an answer to LOOKUP they mean that the name is absent, and may
/// be kept as such.
pub(super) fn absent() -> FileAttr {
    FileAttr {
        ino: INodeNo(0),
        size: 0,
        blocks: 0,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: FileType::RegularFile,
        perm: 0,
        nlink: 0,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: 0,
        flags: 0,
    }
}

pub(super) fn file_type(kind: FileKind) -> FileType {
    match kind {
        FileKind::Directory => FileType::Directory,
        FileKind::Regular => FileType::RegularFile,
        FileKind::Symlink => FileType::Symlink,
        FileKind::CharDevice => FileType::CharDevice,
        FileKind::BlockDevice => FileType::BlockDevice,
        FileKind::Fifo => FileType::NamedPipe,
        FileKind::Socket => FileType::Socket,
    }
}

/// Times before 1970 too; those that no clock can show are the epoch.
fn system_time(time: Timestamp) -> SystemTime {
    let seconds = Duration::from_secs(time.secs.unsigned_abs());
    let whole = match time.secs {
        0.. => UNIX_EPOCH.checked_add(seconds),
        _ => UNIX_EPOCH.checked_sub(seconds),
    };
    let nanos = Duration::from_nanos(time.nanos.into());
    whole
        .and_then(|whole| whole.checked_add(nanos))
        .unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_their_nanoseconds_on_both_sides_of_the_epoch() {
        let time = |secs, nanos| system_time(Timestamp { secs, nanos });
        assert_eq!(
            time(1, 5).duration_since(UNIX_EPOCH).unwrap(),
            Duration::new(1, 5)
        );
        let before = UNIX_EPOCH.duration_since(time(-2, 999_999_999)).unwrap();
        assert_eq!(before, Duration::new(1, 1));
    }

    #[test]
    fn times_that_no_clock_shows_are_no_fault() {
        for secs in [i64::MIN, i64::MAX] {
            system_time(Timestamp {
                secs,
                nanos: 999_999_999,
            });
        }
    }
}
