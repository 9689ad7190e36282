//! `/dev`: six harmless devices and what programs expect beside them.

use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, makedev, symlinkat};
use rustix::mount::MountAttrFlags;

use super::root::Root;
use super::staging::{create_directory, create_file};
use super::tree::{DATA, FsOption, Tree};
use crate::StepFault;

/// Name, major and minor number.
const DEVICES: [(&str, u32, u32); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];

/// Name and target.
const LINKS: [(&str, &str); 6] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
    ("core", "/proc/kcore"),
];

/// Directories with a file system of their own.
const MOUNTS: [(&str, &str, &[FsOption<'_>], MountAttrFlags); 3] = [
    ("pts", "devpts", PTS, PTS_ATTRIBUTES),
    (
        "shm",
        "tmpfs",
        &[
            FsOption::Value("mode", "1777"),
            FsOption::Value("size", "64m"),
        ],
        DATA,
    ),
    ("mqueue", "mqueue", &[], DATA),
];

/// Pseudo-terminals of the step alone; group 5 is `tty` everywhere.
const PTS: &[FsOption<'_>] = &[
    FsOption::Flag("newinstance"),
    FsOption::Value("ptmxmode", "0666"),
    FsOption::Value("mode", "0620"),
    FsOption::Value("gid", "5"),
];

/// `nodev` would make terminals useless.
const PTS_ATTRIBUTES: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

/// Mounts a small tmpfs on `/dev` and fills it. It is `nodev`, so a node that a step makes cannot be
/// opened; the six are bind mounts of the host's.
pub(super) fn mount_dev(root: &Root) -> Result<(), StepFault> {
    let place = root.require("/dev")?;
    let options = [
        FsOption::Value("mode", "0755"),
        FsOption::Value("size", "64k"),
    ];
    let dev = Tree::new("tmpfs", &options, DATA)
        .and_then(|tree| tree.attach(&place.fd))
        .map_err(|source| fault("tmpfs", "", source))?;
    for device in DEVICES {
        show_device(&dev, device).map_err(|source| fault("a device", device.0, source))?;
    }
    for (name, kind, options, attributes) in MOUNTS {
        create_directory(&dev, name, 0o755)
            .and_then(|target| Tree::new(kind, options, attributes)?.attach(&target))
            .map_err(|source| fault(kind, name, source))?;
    }
    for (name, target) in LINKS {
        symlinkat(target, &dev, name).map_err(|errno| fault("a link", name, errno.into()))?;
    }
    Ok(())
}

/// Binds a device of the host, after a look at what it really is.
fn show_device(dev: impl AsFd, (name, major, minor): (&str, u32, u32)) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let host = rustix::fs::openat(CWD, Path::new("/dev").join(name), flags, Mode::empty())?;
    let stat = rustix::fs::fstat(&host)?;
    let is_device = FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice;
    if !is_device || stat.st_rdev != makedev(major, minor) {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    let target = create_file(dev, name, 0o666)?;
    let no_device_flag = MountAttrFlags::MOUNT_ATTR_NODEV;
    Tree::of(&host)?
        .replace(PTS_ATTRIBUTES, no_device_flag)?
        .attach(&target)
        .map(drop)
}

fn fault(what: &str, name: &str, source: io::Error) -> StepFault {
    let target = PathBuf::from("/dev").join(name);
    StepFault::Mount {
        what: what.into(),
        target,
        source,
    }
}
