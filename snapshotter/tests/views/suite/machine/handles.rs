//! Operations on files that are open under a name of their own: `open f d/a rw; pwrite f 0 x`.

use std::fs::File;

use nix::fcntl::{FcntlArg, fcntl};
use rustix::fs::{AtFlags, CWD, FallocateFlags, FlockOperation, Mode, OFlags, SeekFrom};
use rustix::io::Errno;

use super::attributes::told;
use super::words::{bytes, mode, number};
use super::{Machine, Said, done};
use crate::sys::map_shared;

impl Machine {
    pub(super) fn run_on_handles(&mut self, words: &[&str]) -> Option<Said> {
        match words {
            ["open", name, path, how] => Some(done(self.open(name, path, flags(how)))),
            ["nameless", name, dir] => {
                Some(done(self.open(name, dir, OFlags::TMPFILE | OFlags::RDWR)))
            }
            ["nameless-for-ever", name, dir] => {
                let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::EXCL;
                Some(done(self.open(name, dir, flags)))
            }
            ["close", name] => {
                drop((self.files.remove(*name).unwrap(), self.maps.remove(*name)));
                Some(Ok("ok".to_owned()))
            }
            ["map", name] => {
                let map = map_shared(&self.files[*name]);
                self.maps.insert((*name).to_owned(), map);
                Some(Ok("ok".to_owned()))
            }
            ["map-read", name, length] => {
                let seen = self.maps[*name][..number(length)].escape_ascii();
                Some(Ok(seen.to_string()))
            }
            ["map-write", name, text] => {
                let map = self.maps.get_mut(*name).unwrap();
                map[..text.len()].copy_from_slice(text.as_bytes());
                Some(Ok("ok".to_owned()))
            }
            [verb, name, rest @ ..] => self.files.get(*name).map(|file| on_file(file, verb, rest)),
            _ => None,
        }
    }

    fn open(&mut self, name: &str, path: &str, flags: OFlags) -> Result<(), Errno> {
        let mode = Mode::from_raw_mode(0o666);
        let file = rustix::fs::open(path, flags | OFlags::CLOEXEC | OFlags::NONBLOCK, mode)?;
        self.files.insert(name.to_owned(), file.into());
        Ok(())
    }
}

fn flags(how: &str) -> OFlags {
    match how {
        "r" => OFlags::RDONLY,
        "w" => OFlags::WRONLY,
        "rw" => OFlags::RDWR,
        "rw+trunc" => OFlags::RDWR | OFlags::TRUNC,
        "w+append" => OFlags::WRONLY | OFlags::APPEND,
        "dir" => OFlags::RDONLY | OFlags::DIRECTORY,
        "nofollow" => OFlags::RDONLY | OFlags::NOFOLLOW,
        "path" => OFlags::PATH | OFlags::NOFOLLOW,
        _ => panic!("no way to open: {how}"),
    }
}

fn on_file(file: &File, verb: &str, words: &[&str]) -> Said {
    match (verb, words) {
        ("pread", [offset, length]) => read(file, number(offset), number(length)),
        ("pwrite", [offset, text]) => {
            done(rustix::io::pwrite(file, &bytes(text), number(offset)).map(drop))
        }
        ("fstat", []) => rustix::fs::fstat(file).map(|stat| told(&stat)),
        ("fchmod", [bits]) => done(rustix::fs::fchmod(file, mode(bits))),
        ("fresize", [size]) => done(rustix::fs::ftruncate(file, number(size))),
        ("fsync", []) => done(rustix::fs::fsync(file)),
        ("give-name", [path]) => done(give_name(file, path)),
        ("data", [offset]) => seek(file, SeekFrom::Data(number(offset))),
        ("hole", [offset]) => seek(file, SeekFrom::Hole(number(offset))),
        ("allocate", [how, offset, length]) => {
            let how = allocation(how);
            done(rustix::fs::fallocate(
                file,
                how,
                number(offset),
                number(length),
            ))
        }
        ("flock", [how]) => done(rustix::fs::flock(file, lock(how))),
        ("range-lock", [how, start, length]) => {
            let range = range(how, number(start), number(length));
            locked(fcntl(file, FcntlArg::F_OFD_SETLK(&range)))
        }
        ("process-lock", [how, start, length]) => {
            let range = range(how, number(start), number(length));
            locked(fcntl(file, FcntlArg::F_SETLK(&range)))
        }
        ("names", []) => super::directories::names_of(file),
        _ => panic!("no operation on a file: {verb} {words:?}"),
    }
}

fn read(file: &File, offset: u64, length: usize) -> Said {
    let mut buffer = vec![0; length];
    let length = rustix::io::pread(file, &mut buffer, offset)?;
    Ok(format!("{length} {}", buffer[..length].escape_ascii()))
}

fn give_name(file: &File, path: &str) -> Result<(), Errno> {
    use std::os::fd::AsRawFd;
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::linkat(CWD, link, CWD, path, AtFlags::SYMLINK_FOLLOW)
}

fn seek(file: &File, to: SeekFrom) -> Said {
    rustix::fs::seek(file, to).map(|found| found.to_string())
}

fn allocation(how: &str) -> FallocateFlags {
    match how {
        "plain" => FallocateFlags::empty(),
        "keep" => FallocateFlags::KEEP_SIZE,
        "punch" => FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE,
        "zero" => FallocateFlags::ZERO_RANGE,
        "collapse" => FallocateFlags::COLLAPSE_RANGE,
        "insert" => FallocateFlags::INSERT_RANGE,
        _ => panic!("no way to allocate: {how}"),
    }
}

fn lock(how: &str) -> FlockOperation {
    match how {
        "shared" => FlockOperation::NonBlockingLockShared,
        "exclusive" => FlockOperation::NonBlockingLockExclusive,
        "none" => FlockOperation::NonBlockingUnlock,
        _ => panic!("no way to lock: {how}"),
    }
}

/// A range for a lock, be it of the open file description (`F_OFD_SETLK`) or of the process
/// (`F_SETLK`); the two keep each other out.
fn range(how: &str, start: i64, length: i64) -> libc::flock {
    let kind = match how {
        "read" => libc::F_RDLCK,
        "write" => libc::F_WRLCK,
        "none" => libc::F_UNLCK,
        _ => panic!("no way to lock: {how}"),
    };
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: start,
        l_len: length,
        l_pid: 0,
    }
}

fn locked(result: nix::Result<i32>) -> Said {
    match result {
        Ok(_) => Ok("ok".to_owned()),
        Err(errno) => Err(Errno::from_raw_os_error(errno as i32)),
    }
}
