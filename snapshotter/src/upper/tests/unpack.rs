//! Unpacks a tree into a plain directory, for the kernel's overlayfs to lie on.

use std::fs;
use std::io::copy;
use std::os::unix::fs::{lchown, symlink};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags};

use super::shown::{Shown, Tree};
use crate::blob::BlobStore;
use crate::layer::{Metadata, NodeKind};

pub(super) fn unpack(tree: &Tree, blobs: &BlobStore, root: &Path) {
    let real = |path: &Path| root.join(path.strip_prefix("/").unwrap());
    for (path, shown) in tree.iter().filter(|(path, _)| *path != Path::new("/")) {
        make(&real(path), shown, blobs, &real(&shown.first_name));
    }
    // Children first, so that what is made in a directory does not touch its times again.
    tree.iter()
        .rev()
        .for_each(|(path, shown)| dress(&real(path), &shown.metadata));
}

fn make(real: &Path, shown: &Shown, blobs: &BlobStore, first_name: &Path) {
    if real != first_name {
        return fs::hard_link(first_name, real).unwrap();
    }
    match &shown.kind {
        NodeKind::Directory => fs::create_dir(real).unwrap(),
        NodeKind::Regular { blob, .. } => {
            let mut file = fs::File::create(real).unwrap();
            copy(&mut blobs.open(blob).unwrap(), &mut file).unwrap();
        }
        NodeKind::Symlink(target) => {
            symlink(std::str::from_utf8(target).unwrap(), real).unwrap();
        }
        NodeKind::CharDevice(rdev) => mknod(real, FileType::CharacterDevice, *rdev),
        NodeKind::BlockDevice(rdev) => mknod(real, FileType::BlockDevice, *rdev),
        NodeKind::Fifo => mknod(real, FileType::Fifo, 0),
        NodeKind::Socket => mknod(real, FileType::Socket, 0),
    }
}

pub(super) fn mknod(path: &Path, file_type: FileType, rdev: u64) {
    rustix::fs::mknodat(CWD, path, file_type, Mode::RUSR, rdev).unwrap();
}

fn dress(real: &Path, metadata: &Metadata) {
    lchown(real, Some(metadata.uid), Some(metadata.gid)).unwrap();
    let is_link = fs::symlink_metadata(real).unwrap().is_symlink();
    if !is_link {
        rustix::fs::chmodat(
            CWD,
            real,
            Mode::from_raw_mode(metadata.mode),
            AtFlags::empty(),
        )
        .unwrap();
    }
    for xattr in &metadata.xattrs {
        let flags = XattrFlags::empty();
        rustix::fs::lsetxattr(real, xattr.name.as_slice(), &xattr.value, flags).unwrap();
    }
    let time = Timespec {
        tv_sec: metadata.mtime.secs,
        tv_nsec: metadata.mtime.nanos.into(),
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    rustix::fs::utimensat(CWD, real, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}
