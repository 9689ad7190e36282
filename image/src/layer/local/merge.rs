//! Moves what is in one directory into another, directories merged.

use std::ffi::CStr;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, Timespec, Timestamps, UTIME_OMIT, Uid};
use rustix::io::Errno;

use super::{DIRECTORY, io_error, is_not_for_us};
use crate::layer::write::WriteError;

/// Moves every entry of `from` into `to`; `shown` is the path of `to`, for messages.
pub(super) fn merge(from: &OwnedFd, to: &OwnedFd, shown: &Path) -> Result<(), WriteError> {
    for name in names(from).map_err(|error| io_error("cannot list", shown)(error.into()))? {
        let path = shown.join(OsStr::from_bytes(name.to_bytes()));
        merge_entry(from, to, &name, &path)?;
    }
    Ok(())
}

fn names(dir: &OwnedFd) -> Result<Vec<std::ffi::CString>, Errno> {
    let is_entry = |name: &CStr| name != c"." && name != c"..";
    let entries = Dir::read_from(dir)?.collect::<Result<Vec<_>, _>>()?;
    let names = entries.iter().map(rustix::fs::DirEntry::file_name);
    Ok(names
        .filter(|name| is_entry(name))
        .map(CStr::to_owned)
        .collect())
}

fn merge_entry(from: &OwnedFd, to: &OwnedFd, name: &CStr, path: &Path) -> Result<(), WriteError> {
    let failed = |error: Errno| io_error("cannot write", path)(error.into());
    let is_directory = kind(from, name).map_err(failed)? == Some(FileType::Directory);
    match (is_directory, kind(to, name).map_err(failed)?) {
        (true, Some(FileType::Directory)) => merge_directory(from, to, name, path),
        (false, Some(FileType::Directory)) => Err(WriteError::DirectoryInTheWay {
            path: path.to_owned(),
        }),
        (true, Some(_)) => {
            // A rename cannot put a directory in the place of a file or link.
            let removed = rustix::fs::unlinkat(to, name, AtFlags::empty());
            removed
                .and_then(|()| rustix::fs::renameat(from, name, to, name))
                .map_err(failed)
        }
        (_, None) | (false, Some(_)) => rustix::fs::renameat(from, name, to, name).map_err(failed),
    }
}

fn kind(dir: &OwnedFd, name: &CStr) -> Result<Option<FileType>, Errno> {
    match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

fn merge_directory(
    from: &OwnedFd,
    to: &OwnedFd,
    name: &CStr,
    path: &Path,
) -> Result<(), WriteError> {
    let failed = |error: Errno| io_error("cannot open", path)(error.into());
    let open = |dir: &OwnedFd| rustix::fs::openat(dir, name, DIRECTORY, Mode::empty());
    let (from, to) = (open(from).map_err(failed)?, open(to).map_err(failed)?);
    merge(&from, &to, path)?;
    take_metadata(&from, &to)
        .map_err(|error| io_error("cannot set the mode of", path)(error.into()))
}

/// Gives one directory the mode, owner and time of another.
fn take_metadata(from: impl AsFd, to: impl AsFd) -> Result<(), Errno> {
    let stat = rustix::fs::fstat(from)?;
    let owner = (
        Some(Uid::from_raw(stat.st_uid)),
        Some(Gid::from_raw(stat.st_gid)),
    );
    match rustix::fs::fchown(&to, owner.0, owner.1) {
        Err(error) if !is_not_for_us(error) => return Err(error),
        _ => rustix::fs::fchmod(&to, Mode::from_raw_mode(stat.st_mode))?,
    }
    let nanos = stat.st_mtime_nsec.try_into().map_err(|_| Errno::OVERFLOW)?;
    let times = Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: stat.st_mtime,
            tv_nsec: nanos,
        },
    };
    rustix::fs::futimens(to, &times)
}
