//! A directory of the host as a source: the build context, or a named one.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use iechor_frontend::ignore::IgnoreSet;
use iechor_snapshotter::{BlobStore, NodeKind, Timestamp, Xattr};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, ResolveFlags, Statx, StatxFlags};

use super::CopyError;
use super::source::{FileKind, HardLink, Inode, SourceFile, SourceTree, Witness};

/// Bytes of directory entries asked for at once.
const LISTING: usize = 32 * 1024;

/// A host directory, opened once; nothing outside of it can be reached through links or `..`.
#[derive(Debug)]
pub(crate) struct HostTree {
    root: OwnedFd,
    at: PathBuf,
    name: String,
    ignore: IgnoreSet,
}

impl HostTree {
    /// Opens the directory `at`; `ignore` hides files of it.
    pub(crate) fn open(at: &Path, name: &str, ignore: IgnoreSet) -> Result<Self, CopyError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(at, flags, Mode::empty())
            .map_err(|source| CopyError::io("cannot open", at, source.into()))?;
        Ok(Self {
            root,
            at: at.to_owned(),
            name: name.to_owned(),
            ignore,
        })
    }

    /// Device and inode of the directory: whether two builds saw the same context (rule C6).
    pub(crate) fn identity(&self) -> Result<Inode, CopyError> {
        let stat = rustix::fs::fstat(&self.root)
            .map_err(|source| self.error("cannot stat", Path::new(""), source))?;
        Ok(Inode {
            device: stat.st_dev,
            number: stat.st_ino,
        })
    }

    fn error(&self, action: &'static str, path: &Path, source: rustix::io::Errno) -> CopyError {
        CopyError::io(action, &self.at.join(path), source.into())
    }

    fn open_at(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, rustix::io::Errno> {
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let inside =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        rustix::fs::openat2(&self.root, path, flags, Mode::empty(), inside)
    }

    fn open_dir(&self, dir: &Path) -> Result<OwnedFd, CopyError> {
        self.open_at(dir, OFlags::RDONLY | OFlags::DIRECTORY)
            .map_err(|source| self.error("cannot open", dir, source))
    }

    fn open_file(&self, path: &Path) -> Result<File, CopyError> {
        // NONBLOCK: what was a regular file a moment ago may be a FIFO by now.
        self.open_at(path, OFlags::RDONLY | OFlags::NONBLOCK)
            .map(File::from)
            .map_err(|source| self.error("cannot open", path, source))
    }

    /// Everything in `dir` that is not hidden, in the order of the directory.
    fn list(&self, dir: &Path, fd: BorrowedFd<'_>) -> Result<Vec<SourceFile>, CopyError> {
        let mut files = Vec::new();
        let mut buffer = Vec::with_capacity(LISTING);
        let mut entries = RawDir::new(fd, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(|source| self.error("cannot list", dir, source))?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            let path = dir.join(OsStr::from_bytes(name));
            if self.hides(&path, entry.file_type() == FileType::Directory) {
                continue;
            }
            files.extend(self.stat(fd, entry.file_name(), path)?);
        }
        Ok(files)
    }

    /// Whether nothing of `path` is to be seen; an ignored directory shows while something in it
    /// may be re-included.
    fn hides(&self, path: &Path, directory: bool) -> bool {
        let path = path.as_os_str().as_bytes();
        self.ignore.matches(path) && !(directory && self.ignore.may_include_below(path))
    }

    /// None when the file is gone.
    fn stat(
        &self,
        dir: BorrowedFd<'_>,
        name: impl rustix::path::Arg,
        path: PathBuf,
    ) -> Result<Option<SourceFile>, CopyError> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH;
        match rustix::fs::statx(dir, name, flags, StatxFlags::BASIC_STATS) {
            Ok(stat) => self.describe(path, &stat).map(Some),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(source) => Err(self.error("cannot stat", &path, source)),
        }
    }

    fn describe(&self, path: PathBuf, stat: &Statx) -> Result<SourceFile, CopyError> {
        let kind = self.kind(&path, stat)?;
        let inode = Inode {
            device: rustix::fs::makedev(stat.stx_dev_major, stat.stx_dev_minor),
            number: stat.stx_ino,
        };
        let ctime = timestamp(stat.stx_ctime.tv_sec, stat.stx_ctime.tv_nsec);
        Ok(SourceFile {
            size: if kind == FileKind::Regular {
                stat.stx_size
            } else {
                0
            },
            mode: u32::from(stat.stx_mode) & 0o7777,
            uid: stat.stx_uid,
            gid: stat.stx_gid,
            mtime: timestamp(stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
            hard_link: (kind != FileKind::Directory && stat.stx_nlink > 1)
                .then_some(HardLink::Host(inode)),
            witness: Some(Witness { inode, ctime }),
            path,
            kind,
        })
    }

    fn kind(&self, path: &Path, stat: &Statx) -> Result<FileKind, CopyError> {
        let rdev = rustix::fs::makedev(stat.stx_rdev_major, stat.stx_rdev_minor);
        Ok(match FileType::from_raw_mode(u32::from(stat.stx_mode)) {
            FileType::Directory => FileKind::Directory,
            FileType::Symlink => FileKind::Symlink(self.target(path)?),
            FileType::CharacterDevice => FileKind::CharDevice(rdev),
            FileType::BlockDevice => FileKind::BlockDevice(rdev),
            FileType::Fifo => FileKind::Fifo,
            FileType::Socket => FileKind::Socket,
            FileType::RegularFile | FileType::Unknown => FileKind::Regular,
        })
    }

    fn xattrs(&self, path: &Path, file: BorrowedFd<'_>) -> Result<Vec<Xattr>, CopyError> {
        read_xattrs(file).map_err(|source| {
            CopyError::io("cannot read attributes of", &self.at.join(path), source)
        })
    }

    fn target(&self, path: &Path) -> Result<Vec<u8>, CopyError> {
        let link = self
            .open_at(path, OFlags::PATH)
            .map_err(|source| self.error("cannot open", path, source))?;
        rustix::fs::readlinkat(&link, "", Vec::new())
            .map(std::ffi::CString::into_bytes)
            .map_err(|source| self.error("cannot read the link", path, source))
    }
}

impl SourceTree for HostTree {
    fn lstat(&self, path: &Path) -> Result<Option<SourceFile>, CopyError> {
        let opened = match self.open_at(path, OFlags::PATH) {
            Ok(opened) => opened,
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Ok(None),
            Err(source) => return Err(self.error("cannot open", path, source)),
        };
        let file = self.stat(opened.as_fd(), "", path.to_owned())?;
        Ok(file
            .filter(|file| path.as_os_str().is_empty() || !self.hides(path, file.is_directory())))
    }

    fn children(&self, dir: &Path) -> Result<Vec<SourceFile>, CopyError> {
        let opened = self.open_dir(dir)?;
        let mut files = self.list(dir, opened.as_fd())?;
        files.sort_unstable_by(|a, b| {
            a.path
                .as_os_str()
                .as_bytes()
                .cmp(b.path.as_os_str().as_bytes())
        });
        Ok(files)
    }

    fn take(
        &self,
        file: &SourceFile,
        blobs: &BlobStore,
    ) -> Result<(NodeKind, Vec<Xattr>), CopyError> {
        Ok(match &file.kind {
            FileKind::Regular => {
                let opened = self.open_file(&file.path)?;
                let (blob, size) = blobs.copy_from(&opened)?;
                (
                    NodeKind::Regular { blob, size },
                    self.xattrs(&file.path, opened.as_fd())?,
                )
            }
            FileKind::Directory => (
                NodeKind::Directory,
                self.xattrs(&file.path, self.open_dir(&file.path)?.as_fd())?,
            ),
            FileKind::Symlink(target) => (NodeKind::Symlink(target.clone()), Vec::new()),
            FileKind::CharDevice(rdev) => (NodeKind::CharDevice(*rdev), Vec::new()),
            FileKind::BlockDevice(rdev) => (NodeKind::BlockDevice(*rdev), Vec::new()),
            FileKind::Fifo => (NodeKind::Fifo, Vec::new()),
            FileKind::Socket => (NodeKind::Socket, Vec::new()),
        })
    }

    fn open(&self, file: &SourceFile) -> Result<File, CopyError> {
        self.open_file(&file.path)
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// The attributes that make sense in another tree: the user's own, capabilities and ACLs.
fn read_xattrs(file: BorrowedFd<'_>) -> io::Result<Vec<Xattr>> {
    let mut names = vec![0; 256];
    let length = loop {
        match rustix::fs::flistxattr(file, &mut names) {
            Ok(length) => break length,
            Err(rustix::io::Errno::RANGE) => names.resize(names.len() * 4, 0),
            Err(rustix::io::Errno::NOTSUP) => return Ok(Vec::new()),
            Err(source) => return Err(source.into()),
        }
    };
    let mut xattrs = names[..length]
        .split(|&byte| byte == 0)
        .filter(|name| is_copied(name))
        .map(|name| read_xattr(file, name))
        .collect::<io::Result<Vec<_>>>()?;
    xattrs.sort_unstable();
    Ok(xattrs)
}

fn is_copied(name: &[u8]) -> bool {
    name.starts_with(b"user.")
        || name == b"security.capability"
        || name.starts_with(b"system.posix_acl_")
}

fn read_xattr(file: BorrowedFd<'_>, name: &[u8]) -> io::Result<Xattr> {
    let mut value = vec![0; 64 * 1024];
    let length = rustix::fs::fgetxattr(file, OsStr::from_bytes(name), &mut value)?;
    value.truncate(length);
    Ok(Xattr {
        name: name.to_vec(),
        value,
    })
}

fn timestamp(secs: i64, nanos: u32) -> Timestamp {
    Timestamp { secs, nanos }
}
