//! Operations on what a file is besides its contents, and on whole files by path.

use rustix::fs::{
    Access, AtFlags, CWD, Gid, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT,
    Uid, XattrFlags,
};
use rustix::io::Errno;

use super::words::{bytes, mode, number};
use super::{Said, done};

pub(super) fn run(words: &[&str]) -> Option<Said> {
    Some(match words {
        ["chmod", path, bits] => done(rustix::fs::chmod(*path, mode(bits))),
        ["chown", path, user, group] => done(chown(path, number(user), number(group))),
        ["times", path, atime, mtime] => done(set_times(path, time(atime), time(mtime))),
        ["setx", path, name, value] => done(set(path, name, value, XattrFlags::empty())),
        ["setx-new", path, name, value] => done(set(path, name, value, XattrFlags::CREATE)),
        ["setx-old", path, name, value] => done(set(path, name, value, XattrFlags::REPLACE)),
        ["rmx", path, name] => done(rustix::fs::lremovexattr(*path, *name).map_err(lacks)),
        ["getx", path, name] => get(path, name),
        ["lsx", path] => list(path),
        ["acl", path, user, permissions] => done(set_acl(path, "access", user, permissions)),
        ["default", path, user, permissions] => done(set_acl(path, "default", user, permissions)),
        ["stat", path] => stat(path),
        ["access", path, how] => done(access(path, how)),
        ["umask", bits] => {
            rustix::process::umask(mode(bits));
            Ok("ok".to_owned())
        }
        ["read", path] => read(path),
        ["write", path, offset, text] => done(write(path, number(offset), &bytes(text))),
        ["append", path, text] => done(append(path, &bytes(text))),
        ["fill", path, size] => done(fill(path, number(size))),
        ["resize", path, size] => done(resize(path, number(size))),
        ["namemax", path] => rustix::fs::statvfs(*path).map(|found| found.f_namemax.to_string()),
        _ => return None,
    })
}

fn chown(path: &str, user: i64, group: i64) -> Result<(), Errno> {
    let id = |number: i64| u32::try_from(number).ok();
    let (user, group) = (id(user).map(Uid::from_raw), id(group).map(Gid::from_raw));
    rustix::fs::chownat(CWD, path, user, group, AtFlags::SYMLINK_NOFOLLOW)
}

/// `now`, `omit`, or seconds and perhaps nanoseconds: `-1.5`.
fn time(word: &str) -> Timespec {
    let of = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
    match word.split_once('.') {
        None if word == "now" => of(0, UTIME_NOW),
        None if word == "omit" => of(0, UTIME_OMIT),
        None => of(number(word), 0),
        Some((seconds, nanos)) => of(number(seconds), number(nanos)),
    }
}

pub(super) fn set_times(path: &str, atime: Timespec, mtime: Timespec) -> Result<(), Errno> {
    let times = Timestamps {
        last_access: atime,
        last_modification: mtime,
    };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)
}

fn set(path: &str, name: &str, value: &str, flags: XattrFlags) -> Result<(), Errno> {
    rustix::fs::lsetxattr(path, name, &bytes(value), flags)
}

fn get(path: &str, name: &str) -> Said {
    let mut value = vec![0; 1 << 16];
    let length = rustix::fs::lgetxattr(path, name, &mut value).map_err(lacks)?;
    Ok(format!("{:02x?}", &value[..length]))
}

/// On a chain without any attribute, a lower says that there can be none.
fn lacks(error: Errno) -> Errno {
    match error {
        Errno::OPNOTSUPP => Errno::NODATA,
        other => other,
    }
}

fn list(path: &str) -> Said {
    let mut names = vec![0; 1 << 16];
    let length = rustix::fs::llistxattr(path, &mut names)?;
    let mut names: Vec<_> = names[..length].split(|byte| *byte == 0).collect();
    names.sort();
    Ok(String::from_utf8_lossy(&names.join(&b' ')).into_owned())
}

/// An access list with the owner's, one user's, the group's and the others' rights (acl(5)).
fn set_acl(path: &str, which: &str, user: &str, permissions: &str) -> Result<(), Errno> {
    let entry = |tag: u16, rights: u16, id: u32| {
        [
            &tag.to_le_bytes()[..],
            &rights.to_le_bytes(),
            &id.to_le_bytes(),
        ]
        .concat()
    };
    let none = u32::MAX;
    let list = [
        2_u32.to_le_bytes().to_vec(),
        entry(1, 6, none),
        entry(2, number(permissions), number(user)),
        entry(4, 4, none),
        entry(16, 7, none),
        entry(32, 0, none),
    ];
    let name = format!("system.posix_acl_{which}");
    rustix::fs::lsetxattr(path, name, &list.concat(), XattrFlags::empty())
}

fn stat(path: &str) -> Said {
    rustix::fs::lstat(path).map(|stat| told(&stat))
}

/// What of a stat does not depend on the file system below.
pub(super) fn told(stat: &Stat) -> String {
    let is_dir = stat.st_mode & libc::S_IFMT == libc::S_IFDIR;
    let (links, size) = if is_dir {
        (0, 0)
    } else {
        (stat.st_nlink, stat.st_size)
    };
    let (mode, user, group) = (stat.st_mode, stat.st_uid, stat.st_gid);
    format!("{mode:o} {user}:{group} {links} links, {size} bytes")
}

fn access(path: &str, how: &str) -> Result<(), Errno> {
    let of = |letter| match letter {
        'r' => Access::READ_OK,
        'w' => Access::WRITE_OK,
        'x' => Access::EXEC_OK,
        _ => Access::EXISTS,
    };
    let wanted = how.chars().map(of).collect();
    rustix::fs::accessat(CWD, path, wanted, AtFlags::EACCESS)
}

fn open(path: &str, flags: OFlags) -> Result<rustix::fd::OwnedFd, Errno> {
    rustix::fs::open(
        path,
        flags | OFlags::CLOEXEC | OFlags::NONBLOCK,
        Mode::from_raw_mode(0o666),
    )
}

fn read(path: &str) -> Said {
    let file = open(path, OFlags::RDONLY)?;
    let mut buffer = vec![0; 4096];
    let length = rustix::io::read(&file, &mut buffer)?;
    Ok(format!(
        "{length} {}",
        buffer[..length.min(64)].escape_ascii()
    ))
}

fn write(path: &str, offset: u64, text: &[u8]) -> Result<(), Errno> {
    rustix::io::pwrite(open(path, OFlags::WRONLY)?, text, offset).map(drop)
}

fn append(path: &str, text: &[u8]) -> Result<(), Errno> {
    rustix::io::write(open(path, OFlags::WRONLY | OFlags::APPEND)?, text).map(drop)
}

fn fill(path: &str, size: usize) -> Result<(), Errno> {
    let pattern: Vec<u8> = (0..size).map(|at| (at / 7) as u8).collect();
    rustix::io::write(open(path, OFlags::WRONLY | OFlags::CREATE)?, &pattern).map(drop)
}

fn resize(path: &str, size: u64) -> Result<(), Errno> {
    rustix::fs::ftruncate(open(path, OFlags::WRONLY)?, size)
}
