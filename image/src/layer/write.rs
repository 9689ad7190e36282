//! Writes layers and whole trees as tar archives; equal trees give equal bytes.
//!
//! Entries are sorted by path, directories before what is in them. The first name of a file is the
//! file, its other names in the same archive are hard links; whiteouts are written as the OCI
//! specification has them (layer.md). Times keep their nanoseconds, so that unpacking the archive
//! elsewhere gives the same times. Sockets are left out: tar has no word for them.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use iechor_snapshotter::tree::{Change, Node, NodeId, Tree, TreeError};
use iechor_snapshotter::{BlobStore, Chain, DiffId, Hasher, Metadata, NodeKind};
use rustix::fs::{major, minor};
use tar::EntryType;

use crate::layer::tar_writer::{TarEntry, TarWriter};
use crate::layer::whiteout;

/// Why an archive or directory could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The output takes no more.
    #[error("cannot write the archive")]
    Write(#[source] io::Error),
    /// Contents are not in the store.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// Contents are shorter than the layer says: the store is damaged.
    #[error("contents of {path} end after {actual} bytes of {expected}")]
    Short {
        /// The file.
        path: PathBuf,
        /// Bytes that there are.
        actual: u64,
        /// Bytes that there should be.
        expected: u64,
    },
    /// A name would be read as a whiteout.
    #[error("{path} cannot be part of an image: names that begin with \".wh.\" mark removed files")]
    ReservedName {
        /// The file.
        path: PathBuf,
    },
    /// The name of an attribute cannot be written.
    #[error("attribute {name:?} of {path} cannot be part of an archive: its name has a \"=\"")]
    AttributeName {
        /// The file.
        path: PathBuf,
        /// The attribute.
        name: String,
    },
    /// A file of the host could not be made.
    #[error("{action} {path}")]
    Io {
        /// What was being done: "cannot make".
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// Something is where a new name of the host should be made.
    #[error("{path} exists: remove it first, or name another place")]
    Exists {
        /// The path on the host.
        path: PathBuf,
    },
    /// Devices and sockets of an image are not made on the host.
    #[error("/{path} is a device or socket, which is not made on the host")]
    Special {
        /// The path in the tree.
        path: PathBuf,
    },
    /// A directory of the host stands where a file should go.
    #[error(
        "{path} is a directory, in the place of which a file should be written: remove it first"
    )]
    DirectoryInTheWay {
        /// The directory.
        path: PathBuf,
    },
}

/// Writes the topmost layer of a chain as an uncompressed OCI layer; gives its size in bytes.
///
/// # Errors
///
/// [`WriteError::ReservedName`] for a name that would be taken for a whiteout, and whatever keeps
/// contents from being read or the output from being written.
pub fn write_layer_tar(
    chain: &Chain,
    blobs: &BlobStore,
    out: &mut dyn Write,
) -> Result<u64, WriteError> {
    let tree = Tree::new(chain, blobs);
    let mut archive = Archive::new(&tree, out);
    for change in tree.changes() {
        check_name(change.path())?;
        match change {
            Change::Node(node) => archive.node(&node)?,
            Change::Whiteout(path) => archive.whiteout(&path)?,
            Change::Opaque(dir) => archive.opaque(&dir)?,
        }
    }
    archive.finish()
}

/// Writes the merged tree of a chain as one tar archive, as `-o type=tar` does; gives its size.
pub fn write_rootfs_tar(
    chain: &Chain,
    blobs: &BlobStore,
    out: &mut dyn Write,
) -> Result<u64, WriteError> {
    let tree = Tree::new(chain, blobs);
    let mut archive = Archive::new(&tree, out);
    archive.children(&tree.root())?;
    archive.finish()
}

/// Diff ID and uncompressed size of a chain's topmost layer, without keeping the archive.
pub fn diff_id_of(chain: &Chain, blobs: &BlobStore) -> Result<(DiffId, u64), WriteError> {
    let mut hasher = Hasher::new();
    let size = write_layer_tar(chain, blobs, &mut hasher)?;
    Ok((DiffId::new(hasher.finish()), size))
}

/// A name that begins as whiteouts do would come back as one.
fn check_name(path: &Path) -> Result<(), WriteError> {
    match path
        .iter()
        .any(|name| name.as_bytes().starts_with(whiteout::PREFIX))
    {
        true => Err(WriteError::ReservedName {
            path: path.to_owned(),
        }),
        false => Ok(()),
    }
}

/// A tree on its way into an archive.
struct Archive<'a> {
    tree: &'a Tree,
    tar: TarWriter<'a>,
    /// First names of files that may have others.
    names: HashMap<NodeId, PathBuf>,
}

impl<'a> Archive<'a> {
    fn new(tree: &'a Tree, out: &'a mut dyn Write) -> Self {
        Self {
            tree,
            tar: TarWriter::new(out),
            names: HashMap::new(),
        }
    }

    fn finish(self) -> Result<u64, WriteError> {
        self.tar.finish().map_err(WriteError::Write)
    }

    /// Everything below a directory.
    fn children(&mut self, dir: &Node) -> Result<(), WriteError> {
        for (_, node) in self.tree.read_dir(dir) {
            self.node(&node)?;
            self.children(&node)?;
        }
        Ok(())
    }

    fn node(&mut self, node: &Node) -> Result<(), WriteError> {
        if let Some(first) = self.first_name(node) {
            let path = first.as_os_str().as_bytes();
            return self.plain(node, EntryType::Link, path);
        }
        match node.kind() {
            NodeKind::Directory => self.plain(node, EntryType::Directory, b""),
            NodeKind::Regular { size, .. } => self.file(node, size),
            NodeKind::Symlink(target) => self.plain(node, EntryType::Symlink, &target),
            NodeKind::CharDevice(rdev) => self.device(node, EntryType::Char, rdev),
            NodeKind::BlockDevice(rdev) => self.device(node, EntryType::Block, rdev),
            NodeKind::Fifo => self.plain(node, EntryType::Fifo, b""),
            NodeKind::Socket => Ok(()),
        }
    }

    /// The name under which this inode is in the archive already.
    fn first_name(&mut self, node: &Node) -> Option<PathBuf> {
        if node.is_dir() || node.stat().nlink < 2 || node.kind() == NodeKind::Socket {
            return None;
        }
        match self.names.get(&node.id()) {
            Some(first) => Some(first.clone()),
            None => {
                self.names.insert(node.id(), node.path().to_owned());
                None
            }
        }
    }

    fn file(&mut self, node: &Node, size: u64) -> Result<(), WriteError> {
        let contents = self.tree.open(node)?;
        let mut contents = Measured {
            inner: contents.take(size),
            read: 0,
        };
        self.entry(node, EntryType::Regular, b"", size, None, &mut contents)?;
        match contents.read == size {
            true => Ok(()),
            false => Err(WriteError::Short {
                path: node.path().to_owned(),
                actual: contents.read,
                expected: size,
            }),
        }
    }

    fn plain(&mut self, node: &Node, kind: EntryType, link: &[u8]) -> Result<(), WriteError> {
        self.entry(node, kind, link, 0, None, &mut io::empty())
    }

    fn device(&mut self, node: &Node, kind: EntryType, rdev: u64) -> Result<(), WriteError> {
        let device = Some((major(rdev), minor(rdev)));
        self.entry(node, kind, b"", 0, device, &mut io::empty())
    }

    fn entry(
        &mut self,
        node: &Node,
        kind: EntryType,
        link: &[u8],
        size: u64,
        device: Option<(u32, u32)>,
        contents: &mut dyn Read,
    ) -> Result<(), WriteError> {
        let metadata = node.metadata();
        check_attributes(node.path(), &metadata)?;
        let path = archive_name(node);
        let entry = TarEntry {
            kind,
            path: &path,
            link,
            size,
            device,
            metadata: &metadata,
        };
        self.tar.entry(&entry, contents).map_err(WriteError::Write)
    }

    fn whiteout(&mut self, path: &Path) -> Result<(), WriteError> {
        let name = path.file_name().unwrap_or_default().as_bytes();
        self.marker(path.parent(), &[whiteout::PREFIX, name].concat())
    }

    fn opaque(&mut self, dir: &Path) -> Result<(), WriteError> {
        self.marker(Some(dir), whiteout::OPAQUE)
    }

    /// An empty file that stands for something that is gone.
    fn marker(&mut self, dir: Option<&Path>, name: &[u8]) -> Result<(), WriteError> {
        let dir = dir.map_or(&b""[..], |dir| dir.as_os_str().as_bytes());
        let path = match dir {
            b"" => name.to_vec(),
            dir => [dir, b"/", name].concat(),
        };
        let metadata = Metadata::default();
        let entry = TarEntry {
            kind: EntryType::Regular,
            path: &path,
            link: b"",
            size: 0,
            device: None,
            metadata: &metadata,
        };
        self.tar
            .entry(&entry, &mut io::empty())
            .map_err(WriteError::Write)
    }
}

/// Path as archives have it: `./` for the root, a slash behind directories.
fn archive_name(node: &Node) -> Vec<u8> {
    let mut name = node.path().as_os_str().as_bytes().to_vec();
    if name.is_empty() {
        name.push(b'.');
    }
    if node.is_dir() {
        name.push(b'/');
    }
    name
}

/// A record's key ends at its first `=`.
fn check_attributes(path: &Path, metadata: &Metadata) -> Result<(), WriteError> {
    match metadata
        .xattrs
        .iter()
        .find(|xattr| xattr.name.contains(&b'='))
    {
        Some(xattr) => Err(WriteError::AttributeName {
            path: path.to_owned(),
            name: String::from_utf8_lossy(&xattr.name).into_owned(),
        }),
        None => Ok(()),
    }
}

/// Counts what is read.
struct Measured<R> {
    inner: R,
    read: u64,
}

impl<R: Read> Read for Measured<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.read += n as u64;
        Ok(n)
    }
}
