//! What is told of a file: in listings and in differences.

use std::path::{Path, PathBuf};

use iechor_snapshotter::tree::Node;
use iechor_snapshotter::{Digest, Metadata, NodeKind, Timestamp, Xattr};
use serde::ser::{SerializeMap, Serializer};

use super::absolute;

/// What kind of thing a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileType {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

impl FileType {
    /// The letter of `ls -l`.
    pub fn letter(self) -> char {
        match self {
            Self::Directory => 'd',
            Self::File => '-',
            Self::Symlink => 'l',
            Self::CharDevice => 'c',
            Self::BlockDevice => 'b',
            Self::Fifo => 'p',
            Self::Socket => 's',
        }
    }
}

/// A file without its name.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Facts {
    /// What kind of thing it is.
    #[serde(rename = "type")]
    pub file_type: FileType,
    /// Permission bits with setuid, setgid and sticky; in JSON as octal text.
    #[serde(serialize_with = "octal")]
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes of a regular file; length of a link's target; 0 for anything else.
    pub size: u64,
    /// Modification time; in JSON as RFC 3339.
    #[serde(serialize_with = "rfc3339")]
    pub mtime: Timestamp,
    /// Where a symbolic link points to.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "lossy")]
    pub target: Option<PathBuf>,
    /// Number of a device, as in `st_rdev`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<u64>,
    /// SHA-256 of the contents of a regular file, where it is known without reading them.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "digest")]
    pub content: Option<Digest>,
    /// Extended attributes, sorted by name; in JSON name to value, what is no text in hex.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "attributes")]
    pub xattrs: Vec<Xattr>,
}

impl Facts {
    /// The value of an extended attribute: text as it is, anything else in hex; none when it has not
    /// that attribute.
    pub fn xattr(&self, name: &[u8]) -> Option<String> {
        let found = self.xattrs.iter().find(|xattr| xattr.name == name);
        found.map(|xattr| attribute_value(&xattr.value))
    }
}

/// A file under its name.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Entry {
    /// Absolute path without links.
    #[serde(serialize_with = "path")]
    pub path: PathBuf,
    /// What it is.
    #[serde(flatten)]
    pub facts: Facts,
}

impl Entry {
    pub(crate) fn of(node: &Node) -> Self {
        Self {
            path: absolute(node.path()),
            facts: Facts::of(node),
        }
    }
}

impl Facts {
    pub(crate) fn of(node: &Node) -> Self {
        Self::new(node.kind(), node.metadata())
    }

    /// Facts of a node that is yet without contents.
    pub(crate) fn new(kind: NodeKind, metadata: Metadata) -> Self {
        let mut facts = Self {
            file_type: FileType::File,
            mode: metadata.mode,
            uid: metadata.uid,
            gid: metadata.gid,
            size: 0,
            mtime: metadata.mtime,
            target: None,
            device: None,
            content: None,
            xattrs: metadata.xattrs,
        };
        facts.file_type = facts.take(kind);
        facts
    }

    /// Takes over what only this kind has.
    fn take(&mut self, kind: NodeKind) -> FileType {
        match kind {
            NodeKind::Directory => FileType::Directory,
            NodeKind::Fifo => FileType::Fifo,
            NodeKind::Socket => FileType::Socket,
            NodeKind::Regular { blob, size } => {
                (self.size, self.content) = (size, Some(blob));
                FileType::File
            }
            NodeKind::Symlink(target) => {
                self.size = target.len() as u64;
                self.target = Some(bytes_path(target));
                FileType::Symlink
            }
            NodeKind::CharDevice(number) => {
                self.device = Some(number);
                FileType::CharDevice
            }
            NodeKind::BlockDevice(number) => {
                self.device = Some(number);
                FileType::BlockDevice
            }
        }
    }

    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.file_type == FileType::Directory
    }
}

fn bytes_path(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

pub(crate) fn path<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&path.to_string_lossy())
}

fn lossy<S: Serializer>(target: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
    path(target.as_deref().unwrap_or(Path::new("")), to)
}

fn octal<S: Serializer>(mode: &u32, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{mode:04o}"))
}

fn digest<S: Serializer>(digest: &Option<Digest>, to: S) -> Result<S::Ok, S::Error> {
    match digest {
        Some(digest) => to.collect_str(digest),
        None => to.serialize_none(),
    }
}

fn rfc3339<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    let nanos = i32::try_from(time.nanos).unwrap_or(0);
    match jiff::Timestamp::new(time.secs, nanos) {
        Ok(time) => to.collect_str(&time),
        // A year that has no such form.
        Err(_) => to.serialize_i64(time.secs),
    }
}

fn attributes<S: Serializer>(xattrs: &[Xattr], to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(Some(xattrs.len()))?;
    for Xattr { name, value } in xattrs {
        map.serialize_entry(&String::from_utf8_lossy(name), &attribute_value(value))?;
    }
    map.end()
}

/// Text as it is, anything else in hex, as `getfattr` writes it.
fn attribute_value(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) if !text.contains(char::is_control) => text.to_owned(),
        _ => value.iter().fold("0x".to_owned(), |mut text, byte| {
            // Writing to a string does not fail.
            let _written = std::fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
            text
        }),
    }
}
