//! Writes a draft as an index file.
//!
//! Equal drafts give equal bytes: inodes are numbered breadth first in the order of names, first the
//! directories and then all else; blobs are sorted, and nothing of the machine enters.

use std::collections::{BTreeSet, HashMap};

use zerocopy::IntoBytes;
use zerocopy::little_endian::U32;

use super::check::IndexError;
use super::format::{
    BlobRecord, Counts, DirentRecord, HAS_PARENT, Header, InodeRecord, MAGIC, MOVED_FROM, NO_BLOB,
    NOTHING, SAME_PATH, Text, VERSION, WHITEOUT, XattrRecord,
};
use crate::id::{Digest, SnapshotId};
use crate::layer::draft::{Directory, Draft, Join, Node, NodeIdx, Payload, Slot};
use crate::layer::{NodeKind, Xattr};

/// The file's bytes, and the digest of its body.
pub(crate) fn encode(
    draft: &Draft,
    parent: Option<SnapshotId>,
) -> Result<(Vec<u8>, Digest), IndexError> {
    let numbering = Numbering::of(draft)?;
    let body = Encoder::new(draft, &numbering).body()?;
    let digest = Digest::of(&body);
    let mut file = header(parent, digest, body.len() as u64)
        .as_bytes()
        .to_vec();
    file.extend_from_slice(&body);
    Ok((file, digest))
}

fn header(parent: Option<SnapshotId>, digest: Digest, body_len: u64) -> Header {
    Header {
        magic: MAGIC,
        version: VERSION.into(),
        flags: if parent.is_some() { HAS_PARENT } else { 0 }.into(),
        parent: parent.map_or([0; 32], |parent| *parent.digest().as_bytes()),
        digest: *digest.as_bytes(),
        body_len: body_len.into(),
    }
}

/// Inode numbers of the nodes that have names. All directories come before all else: a file that
/// several of them name comes after each.
struct Numbering {
    /// Nodes by inode number.
    order: Vec<NodeIdx>,
    /// Inode numbers by node.
    numbers: Vec<Option<u32>>,
    /// How many names, or directories below them for directories, by node.
    links: Vec<u32>,
}

impl Numbering {
    fn of(draft: &Draft) -> Result<Self, IndexError> {
        let mut numbering = Self {
            order: vec![Draft::ROOT],
            numbers: vec![None; draft.len()],
            links: vec![0; draft.len()],
        };
        numbering.numbers[Draft::ROOT.0] = Some(0);
        let directories = numbering.number_directories(draft)?;
        for place in 0..directories {
            numbering.number_leaves(draft, numbering.order[place])?;
        }
        Ok(numbering)
    }

    /// Numbers all directories and says how many there are.
    fn number_directories(&mut self, draft: &Draft) -> Result<usize, IndexError> {
        let mut next = 0;
        while let Some(&parent) = self.order.get(next) {
            for child in children(draft, parent) {
                if draft.directory(child).is_some() {
                    self.links[parent.0] += 1;
                    self.number_once(child)?;
                }
            }
            next += 1;
        }
        Ok(next)
    }

    fn number_leaves(&mut self, draft: &Draft, parent: NodeIdx) -> Result<(), IndexError> {
        for child in children(draft, parent) {
            if draft.directory(child).is_none() {
                self.links[child.0] += 1;
                self.number_once(child)?;
            }
        }
        Ok(())
    }

    fn number_once(&mut self, node: NodeIdx) -> Result<(), IndexError> {
        if self.numbers[node.0].is_none() {
            self.numbers[node.0] = Some(count(self.order.len())?);
            self.order.push(node);
        }
        Ok(())
    }

    fn number(&self, slot: Slot) -> u32 {
        match slot {
            Slot::Whiteout => WHITEOUT,
            Slot::Node(node) => self.numbers[node.0].unwrap_or(WHITEOUT),
        }
    }
}

/// What a directory names, in order.
fn children(draft: &Draft, parent: NodeIdx) -> impl Iterator<Item = NodeIdx> {
    let slots = draft
        .directory(parent)
        .into_iter()
        .flat_map(|dir| dir.children.values());
    slots.filter_map(|slot| match slot {
        Slot::Node(child) => Some(*child),
        Slot::Whiteout => None,
    })
}

/// The sections while they grow.
struct Encoder<'a> {
    draft: &'a Draft,
    numbering: &'a Numbering,
    inodes: Vec<InodeRecord>,
    dirents: Vec<DirentRecord>,
    xattrs: Vec<XattrRecord>,
    blobs: Vec<BlobRecord>,
    text: Vec<u8>,
    /// Names and values of attributes, which repeat from file to file.
    shared_text: HashMap<&'a [u8], Text>,
}

impl<'a> Encoder<'a> {
    fn new(draft: &'a Draft, numbering: &'a Numbering) -> Self {
        Self {
            draft,
            numbering,
            inodes: Vec::with_capacity(numbering.order.len()),
            dirents: Vec::new(),
            xattrs: Vec::new(),
            blobs: blobs(draft, numbering),
            text: Vec::new(),
            shared_text: HashMap::new(),
        }
    }

    fn body(mut self) -> Result<Vec<u8>, IndexError> {
        for &node in &self.numbering.order {
            let record = self.inode(node)?;
            self.inodes.push(record);
        }
        let counts = Counts {
            inodes: count(self.inodes.len())?.into(),
            dirents: count(self.dirents.len())?.into(),
            xattrs: count(self.xattrs.len())?.into(),
            blobs: count(self.blobs.len())?.into(),
            text: (self.text.len() as u64).into(),
        };
        Ok([
            counts.as_bytes(),
            self.inodes.as_bytes(),
            self.dirents.as_bytes(),
            self.xattrs.as_bytes(),
            self.blobs.as_bytes(),
            &self.text,
        ]
        .concat())
    }

    fn inode(&mut self, node: NodeIdx) -> Result<InodeRecord, IndexError> {
        let Node { payload, metadata } = self.draft.node(node);
        let first_dirent = count(self.dirents.len())?.into();
        let first_xattr = count(self.xattrs.len())?.into();
        self.push_xattrs(&metadata.xattrs)?;
        let mut record = InodeRecord {
            mode: (metadata.mode & 0o7777 | file_type(payload)).into(),
            uid: metadata.uid.into(),
            gid: metadata.gid.into(),
            nlink: self.numbering.links[node.0].into(),
            size: 0.into(),
            rdev: 0.into(),
            mtime_secs: metadata.mtime.secs.into(),
            mtime_nanos: metadata.mtime.nanos.into(),
            below: SAME_PATH.into(),
            first_dirent,
            dirents: 0.into(),
            first_xattr,
            xattrs: count(metadata.xattrs.len())?.into(),
            blob: NO_BLOB.into(),
            text: Text::default(),
        };
        match payload {
            Payload::Directory(directory) => self.fill_directory(&mut record, directory)?,
            Payload::Leaf(kind) => self.fill_leaf(&mut record, kind)?,
        }
        Ok(record)
    }

    fn fill_directory(
        &mut self,
        record: &mut InodeRecord,
        directory: &'a Directory,
    ) -> Result<(), IndexError> {
        record.nlink += 2;
        record.dirents = count(directory.children.len())?.into();
        for (name, slot) in &directory.children {
            let name = self.push_text(name)?;
            self.dirents.push(DirentRecord {
                name,
                inode: self.numbering.number(*slot).into(),
            });
        }
        match &directory.join {
            Join::SamePath => {}
            Join::Nothing => record.below = NOTHING.into(),
            Join::MovedFrom(path) => {
                record.below = MOVED_FROM.into();
                record.text = self.push_text(path)?;
            }
        }
        Ok(())
    }

    fn fill_leaf(&mut self, record: &mut InodeRecord, kind: &NodeKind) -> Result<(), IndexError> {
        match kind {
            NodeKind::Regular { blob, size } => {
                record.size = (*size).into();
                record.blob = self.blob_place(blob)?;
            }
            NodeKind::Symlink(target) => {
                record.size = (target.len() as u64).into();
                record.text = self.push_text(target)?;
            }
            NodeKind::CharDevice(rdev) | NodeKind::BlockDevice(rdev) => {
                record.rdev = (*rdev).into();
            }
            NodeKind::Fifo | NodeKind::Socket | NodeKind::Directory => {}
        }
        Ok(())
    }

    fn blob_place(&self, blob: &Digest) -> Result<U32, IndexError> {
        let place = self
            .blobs
            .binary_search(blob)
            .map_err(|_| IndexError::Blobs)?;
        Ok(count(place)?.into())
    }

    fn push_xattrs(&mut self, xattrs: &'a [Xattr]) -> Result<(), IndexError> {
        for xattr in xattrs {
            let name = self.push_shared_text(&xattr.name)?;
            let value = self.push_shared_text(&xattr.value)?;
            self.xattrs.push(XattrRecord { name, value });
        }
        Ok(())
    }

    fn push_shared_text(&mut self, bytes: &'a [u8]) -> Result<Text, IndexError> {
        if let Some(text) = self.shared_text.get(bytes) {
            return Ok(*text);
        }
        let text = self.push_text(bytes)?;
        self.shared_text.insert(bytes, text);
        Ok(text)
    }

    fn push_text(&mut self, bytes: &[u8]) -> Result<Text, IndexError> {
        let text = Text {
            offset: count(self.text.len())?.into(),
            len: count(bytes.len())?.into(),
        };
        self.text.extend_from_slice(bytes);
        Ok(text)
    }
}

/// Every blob that a named node has, sorted, each once.
fn blobs(draft: &Draft, numbering: &Numbering) -> Vec<BlobRecord> {
    let blob = |node: &NodeIdx| match &draft.node(*node).payload {
        Payload::Leaf(NodeKind::Regular { blob, .. }) => Some(*blob),
        _ => None,
    };
    numbering
        .order
        .iter()
        .filter_map(blob)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

fn file_type(payload: &Payload) -> u32 {
    match payload {
        Payload::Directory(_) => libc::S_IFDIR,
        Payload::Leaf(kind) => kind.file_type(),
    }
}

/// A number of records; the largest value is a mark ([`WHITEOUT`], [`NO_BLOB`]) and no number.
fn count(len: usize) -> Result<u32, IndexError> {
    u32::try_from(len)
        .ok()
        .filter(|len| *len < u32::MAX)
        .ok_or(IndexError::TooLarge)
}
