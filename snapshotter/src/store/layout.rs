//! The directories of a store: made, opened, and refused when others could meddle with them.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::StoreError;
use super::error::cannot;
use crate::dirfd::random_name;

/// First line of the file `format`. Any change of what lies where is a new one.
const FORMAT: &str = "iechor store 1";

/// Permissions of others that would let them read or change what is in a directory.
const OTHERS: u32 = 0o077;
/// Permissions of others that would let them change what is in a directory.
const OTHERS_WRITE: u32 = 0o022;

/// Opens a store's root, made if need be, and checks its format.
pub(super) fn open_root(root: &Path) -> Result<(), StoreError> {
    let parent = root
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        std::fs::create_dir_all(parent).map_err(cannot("cannot create", parent))?;
    }
    open_private(root, OTHERS_WRITE)?;
    check_format(root)
}

/// Opens a directory of the store, made if need be.
pub(super) fn open_part(root: &Path, name: &str) -> Result<OwnedFd, StoreError> {
    open_private(&root.join(name), OTHERS)
}

fn open_private(path: &Path, forbidden: u32) -> Result<OwnedFd, StoreError> {
    match rustix::fs::mkdir(path, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(cannot("cannot create", path)(errno)),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir =
        rustix::fs::openat(CWD, path, flags, Mode::empty()).map_err(cannot("cannot open", path))?;
    let stat = rustix::fs::fstat(&dir).map_err(cannot("cannot stat", path))?;
    check_owner(path, &stat)?;
    check_mode(path, &stat, forbidden)?;
    Ok(dir)
}

fn check_owner(path: &Path, stat: &Stat) -> Result<(), StoreError> {
    let user = rustix::process::geteuid().as_raw();
    if stat.st_uid == user {
        return Ok(());
    }
    Err(StoreError::Owner {
        path: path.to_owned(),
        owner: stat.st_uid,
        user,
    })
}

fn check_mode(path: &Path, stat: &Stat, forbidden: u32) -> Result<(), StoreError> {
    let mode = stat.st_mode & 0o7777;
    if mode & forbidden == 0 {
        return Ok(());
    }
    Err(StoreError::Mode {
        path: path.to_owned(),
        mode,
    })
}

/// Reads the format, or writes it into a store that has none yet.
fn check_format(root: &Path) -> Result<(), StoreError> {
    let path = root.join("format");
    let found = match std::fs::read(&path) {
        Ok(found) => String::from_utf8_lossy(&found).trim_end().to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return write_format(root),
        Err(error) => return Err(cannot("cannot read", path)(error)),
    };
    if found == FORMAT {
        return Ok(());
    }
    Err(StoreError::Format {
        path,
        found,
        expected: FORMAT,
    })
}

/// Writes the format by one rename: several processes may open a new store at once.
fn write_format(root: &Path) -> Result<(), StoreError> {
    let unfinished = root.join(format!(".format-{}", random_name()));
    let path = root.join("format");
    let write = || {
        let mut file = std::fs::File::create_new(&unfinished)?;
        writeln!(file, "{FORMAT}")?;
        file.sync_all()?;
        std::fs::rename(&unfinished, &path)
    };
    write().map_err(cannot("cannot write", &path))
}
