//! Operations on names: making, linking, moving and removing.

use rustix::fs::{CWD, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::words::{bytes, mode, number};
use super::{Said, done};

pub(super) fn run(words: &[&str]) -> Option<Said> {
    Some(done(match words {
        ["mkdir", path, permissions] => rustix::fs::mkdir(*path, mode(permissions)),
        ["mkdir", path] => rustix::fs::mkdir(*path, mode("755")),
        ["rmdir", path] => rustix::fs::rmdir(*path),
        ["unlink", path] => rustix::fs::unlink(*path),
        ["link", old, new] => rustix::fs::link(*old, *new),
        ["symlink", target, path] => rustix::fs::symlink(*target, *path),
        ["readlink", path] => return Some(read_link(path)),
        ["create", path, text] => put(path, text, OFlags::CREATE | OFlags::TRUNC),
        ["exclusive", path, text] => put(path, text, OFlags::CREATE | OFlags::EXCL),
        ["touch", path] => put(path, "", OFlags::CREATE),
        ["rename", old, new] => renamed(old, new, RenameFlags::empty()),
        ["rename-new", old, new] => renamed(old, new, RenameFlags::NOREPLACE),
        ["exchange", old, new] => renamed(old, new, RenameFlags::EXCHANGE),
        ["rename-whiteout", old, new] => renamed(old, new, RenameFlags::WHITEOUT),
        ["fifo", path, permissions] => node(path, FileType::Fifo, permissions, 0),
        ["socket", path, permissions] => node(path, FileType::Socket, permissions, 0),
        ["char", path, major, minor, permissions] => node(
            path,
            FileType::CharacterDevice,
            permissions,
            device(major, minor),
        ),
        ["block", path, major, minor, permissions] => node(
            path,
            FileType::BlockDevice,
            permissions,
            device(major, minor),
        ),
        _ => return None,
    }))
}

fn put(path: &str, text: &str, flags: OFlags) -> Result<(), Errno> {
    let mode = Mode::from_raw_mode(0o666);
    let file = rustix::fs::open(
        path,
        flags | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NONBLOCK,
        mode,
    )?;
    rustix::io::write(&file, &bytes(text)).map(drop)
}

fn renamed(old: &str, new: &str, flags: RenameFlags) -> Result<(), Errno> {
    rustix::fs::renameat_with(CWD, old, CWD, new, flags)
}

fn node(path: &str, kind: FileType, permissions: &str, device: u64) -> Result<(), Errno> {
    rustix::fs::mknodat(CWD, path, kind, mode(permissions), device)
}

fn device(major: &str, minor: &str) -> u64 {
    rustix::fs::makedev(number(major), number(minor))
}

fn read_link(path: &str) -> Said {
    let target = rustix::fs::readlinkat(CWD, path, Vec::new())?;
    Ok(target.to_string_lossy().into_owned())
}
