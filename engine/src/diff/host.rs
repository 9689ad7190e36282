//! A directory of the host, as the other side of a comparison.

use std::ffi::OsString;
use std::fs::{self, File, Metadata as Stat};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use iechor_snapshotter::{Digest, Hasher, Metadata, NodeKind, Timestamp, Xattr};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::files::Facts;
use crate::path_error::{AtPath, PathError};

/// Bytes that are read at once.
const BUFFER: usize = 128 * 1024;
/// Longest list of attribute names, and longest value (`XATTR_LIST_MAX`, `XATTR_SIZE_MAX`).
const XATTR_MAX: usize = 64 * 1024;
/// Stands for contents that nobody has read yet.
const UNREAD: Digest = Digest::from_bytes([0; 32]);

/// A file of the host; links are not followed.
#[derive(Debug)]
pub(super) struct HostFile {
    path: PathBuf,
    stat: Stat,
}

impl HostFile {
    pub(super) fn at(path: PathBuf) -> Result<Self, PathError> {
        let stat = fs::symlink_metadata(&path).at("stat", &path)?;
        Ok(Self { path, stat })
    }

    pub(super) fn is_dir(&self) -> bool {
        self.stat.is_dir()
    }

    /// The entries of a directory, sorted by name as bytes.
    pub(super) fn children(&self) -> Result<Vec<(OsString, Self)>, PathError> {
        let mut children = Vec::new();
        for entry in fs::read_dir(&self.path).at("list", &self.path)? {
            let name = entry.at("list", &self.path)?.file_name();
            let child = Self::at(self.path.join(&name))?;
            children.push((name, child));
        }
        children.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(children)
    }

    /// What is told of it. The contents are not read: their digest is none.
    pub(super) fn facts(&self) -> Result<Facts, PathError> {
        let mut facts = Facts::new(self.kind()?, self.metadata()?);
        facts.content = None;
        Ok(facts)
    }

    /// Digest of the contents.
    pub(super) fn digest(&self) -> Result<Digest, PathError> {
        // What was a regular file a moment ago may be a link or pipe by now.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::open(&self.path, flags, Mode::empty()).at("open", &self.path)?;
        digest_of(File::from(file)).at("read", &self.path)
    }

    fn kind(&self) -> Result<NodeKind, PathError> {
        let file_type = self.stat.file_type();
        Ok(match () {
            () if file_type.is_dir() => NodeKind::Directory,
            () if file_type.is_symlink() => NodeKind::Symlink(self.target()?),
            () if file_type.is_char_device() => NodeKind::CharDevice(self.stat.rdev()),
            () if file_type.is_block_device() => NodeKind::BlockDevice(self.stat.rdev()),
            () if file_type.is_fifo() => NodeKind::Fifo,
            () if file_type.is_socket() => NodeKind::Socket,
            () => NodeKind::Regular {
                blob: UNREAD,
                size: self.stat.size(),
            },
        })
    }

    fn target(&self) -> Result<Vec<u8>, PathError> {
        let target = fs::read_link(&self.path).at("read the link", &self.path)?;
        Ok(target.as_os_str().as_bytes().to_vec())
    }

    fn metadata(&self) -> Result<Metadata, PathError> {
        Ok(Metadata {
            mode: self.stat.mode() & 0o7777,
            uid: self.stat.uid(),
            gid: self.stat.gid(),
            mtime: Timestamp {
                secs: self.stat.mtime(),
                nanos: u32::try_from(self.stat.mtime_nsec()).unwrap_or(0),
            },
            xattrs: xattrs(&self.path).at("read the attributes of", &self.path)?,
        })
    }
}

fn digest_of(mut file: File) -> io::Result<Digest> {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            length => hasher.update(&buffer[..length]),
        }
    }
}

/// The attributes that an image could have, sorted by name.
fn xattrs(path: &Path) -> Result<Vec<Xattr>, Errno> {
    let mut names = vec![0; XATTR_MAX];
    let length = match rustix::fs::llistxattr(path, &mut names[..]) {
        Err(Errno::OPNOTSUPP) => 0,
        length => length?,
    };
    let names = names[..length].split(|byte| *byte == 0);
    let mut xattrs = Vec::new();
    for name in names.filter(|name| !name.is_empty() && !name.starts_with(b"trusted.overlay.")) {
        xattrs.push(Xattr {
            name: name.to_vec(),
            value: value_of(path, name)?,
        });
    }
    xattrs.sort();
    Ok(xattrs)
}

fn value_of(path: &Path, name: &[u8]) -> Result<Vec<u8>, Errno> {
    let mut value = vec![0; XATTR_MAX];
    let length = rustix::fs::lgetxattr(path, name, &mut value[..])?;
    value.truncate(length);
    Ok(value)
}
