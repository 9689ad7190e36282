//! Extended attributes of files, as the kernel gives them.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::io::Errno;

use crate::layer::Xattr;

/// Enough for the attributes of nearly every file; `XATTR_SIZE_MAX` is the most there can be.
const FIRST_TRY: usize = 1024;

/// All attributes of what is at `path`, sorted by name; the last component is not followed.
pub(crate) fn read(path: &Path) -> Result<Vec<Xattr>, Errno> {
    let list = |buffer: &mut [u8]| rustix::fs::llistxattr(path, buffer);
    collect(list, |name, buffer| {
        rustix::fs::lgetxattr(path, name, buffer)
    })
}

/// All attributes of an open file, sorted by name.
pub(crate) fn read_open(file: &File) -> Result<Vec<Xattr>, Errno> {
    let list = |buffer: &mut [u8]| rustix::fs::flistxattr(file, buffer);
    collect(list, |name, buffer| {
        rustix::fs::fgetxattr(file, name, buffer)
    })
}

fn collect(
    list: impl Fn(&mut [u8]) -> Result<usize, Errno>,
    get: impl Fn(&[u8], &mut [u8]) -> Result<usize, Errno>,
) -> Result<Vec<Xattr>, Errno> {
    let mut xattrs = Vec::new();
    for name in names(list)? {
        match fill(|buffer| get(&name, buffer)) {
            Ok(value) => xattrs.push(Xattr { name, value }),
            Err(Errno::NODATA) => {}
            Err(errno) => return Err(errno),
        }
    }
    xattrs.sort_unstable();
    Ok(xattrs)
}

/// Sets attributes of an open file or directory.
pub(crate) fn write(file: impl AsFd, xattrs: &[Xattr]) -> Result<(), Errno> {
    let flags = rustix::fs::XattrFlags::empty();
    xattrs.iter().try_for_each(|Xattr { name, value }| {
        rustix::fs::fsetxattr(file.as_fd(), name.as_slice(), value, flags)
    })
}

/// Removes every attribute of an open file but labels that the kernel itself gives.
pub(crate) fn remove_all(file: &File) -> Result<(), Errno> {
    for name in names(|buffer| rustix::fs::flistxattr(file, buffer))? {
        match rustix::fs::fremovexattr(file, name.as_slice()) {
            Ok(()) | Err(Errno::NODATA | Errno::PERM | Errno::ACCESS | Errno::OPNOTSUPP) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// The names that a listing call gives, which ends each with a NUL.
fn names(list: impl Fn(&mut [u8]) -> Result<usize, Errno>) -> Result<Vec<Vec<u8>>, Errno> {
    let list = match fill(list) {
        Err(Errno::OPNOTSUPP) => Vec::new(),
        list => list?,
    };
    let names = list
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty());
    Ok(names.map(<[u8]>::to_vec).collect())
}

/// Calls with a larger and larger buffer until the answer fits.
fn fill(call: impl Fn(&mut [u8]) -> Result<usize, Errno>) -> Result<Vec<u8>, Errno> {
    let mut buffer = vec![0; FIRST_TRY];
    loop {
        match call(&mut buffer) {
            Ok(len) => {
                buffer.truncate(len);
                return Ok(buffer);
            }
            Err(Errno::RANGE) => buffer.resize(buffer.len() * 4, 0),
            Err(errno) => return Err(errno),
        }
    }
}
