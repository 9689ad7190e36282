//! Mode, owner, time and attributes, set by descriptor.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use iechor_snapshotter::{Metadata, Timestamp};
use rustix::fs::{AtFlags, Gid, Mode, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags};
use rustix::io::Errno;

use super::is_not_for_us;

/// Sets the metadata of a file or directory. The order matters: a change of owner clears setuid
/// bits and file capabilities, and nearly everything changes the time.
pub(super) fn apply(file: impl AsFd, metadata: &Metadata) -> io::Result<()> {
    let owner = (
        Some(Uid::from_raw(metadata.uid)),
        Some(Gid::from_raw(metadata.gid)),
    );
    allow(rustix::fs::fchown(&file, owner.0, owner.1))?;
    rustix::fs::fchmod(&file, Mode::from_raw_mode(metadata.mode))?;
    for xattr in &metadata.xattrs {
        allow(rustix::fs::fsetxattr(
            &file,
            &xattr.name[..],
            &xattr.value,
            XattrFlags::empty(),
        ))?;
    }
    Ok(rustix::fs::futimens(&file, &times(metadata.mtime))?)
}

/// Sets owner and time of something that is not opened: a link, a pipe.
pub(super) fn apply_to_link(dir: impl AsFd, name: &Path, metadata: &Metadata) -> Result<(), Errno> {
    let owner = (
        Some(Uid::from_raw(metadata.uid)),
        Some(Gid::from_raw(metadata.gid)),
    );
    allow(rustix::fs::chownat(
        &dir,
        name,
        owner.0,
        owner.1,
        AtFlags::SYMLINK_NOFOLLOW,
    ))?;
    rustix::fs::utimensat(
        &dir,
        name,
        &times(metadata.mtime),
        AtFlags::SYMLINK_NOFOLLOW,
    )
}

fn allow(result: Result<(), Errno>) -> Result<(), Errno> {
    match result {
        Err(error) if is_not_for_us(error) => Ok(()),
        other => other,
    }
}

fn times(mtime: Timestamp) -> Timestamps {
    Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: mtime.secs,
            tv_nsec: mtime.nanos.into(),
        },
    }
}
