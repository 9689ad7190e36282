//! The third way: a chain asked through [`ChainFs`] itself, without a mount or a kernel between.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use iechor_snapshotter::chainfs::{
    Attr, ChainFs, DirEntry, DirEntryPlus, FileKind, FsError, Ino, Seek, Sink,
};
use iechor_snapshotter::{BlobStore, Chain};

use super::observation::{Entry, Observation, told_contents};

/// What a chain has, by every operation of the file system.
pub(crate) fn observe_directly(chain: &Chain, blobs: &BlobStore) -> Observation {
    let mut walk = Walk {
        fs: ChainFs::of_chain(chain, blobs).unwrap(),
        tree: Observation::new(),
        first_names: HashMap::new(),
        told: RefCell::default(),
    };
    let root = walk.fs.getattr(Ino::ROOT).unwrap();
    walk.visit(Path::new("."), &root, true);
    walk.forget_all();
    assert_eq!(walk.fs.faults().first(), None);
    walk.tree
}

struct Walk {
    fs: ChainFs,
    tree: Observation,
    first_names: HashMap<Ino, PathBuf>,
    /// How often each number was told of, as the kernel counts.
    told: RefCell<HashMap<Ino, u64>>,
}

/// An entry as a directory lists it, with the position after it.
type Listed = (Vec<u8>, Ino, FileKind, u64);

impl Walk {
    fn visit(&mut self, path: &Path, attr: &Attr, listed_right: bool) {
        assert_eq!(self.fs.getattr(attr.ino).unwrap(), *attr, "{path:?}");
        let entry = self.entry(path, attr, listed_right);
        self.tree.insert(path.to_owned(), entry);
        if attr.kind == FileKind::Directory {
            self.visit_dir(path, attr.ino);
        }
    }

    fn visit_dir(&mut self, path: &Path, dir: Ino) {
        let listed = self.listed(dir, 0);
        self.check_positions(path, dir, &listed);
        self.check_readdirplus(path, dir, &listed);
        assert_eq!(self.lookup(dir, b"no such name"), None);
        for (name, ino, kind, _) in &listed {
            let found = self.lookup(dir, name);
            if name == b"." || name == b".." {
                assert_eq!(found.map(|attr| attr.ino), Some(*ino), "{path:?}");
                continue;
            }
            let child = path.join(OsStr::from_bytes(name));
            let attr = found.unwrap_or_else(|| panic!("{child:?} is listed and not there"));
            self.visit(&child, &attr, (attr.ino, attr.kind) == (*ino, *kind));
        }
    }

    fn lookup(&self, dir: Ino, name: &[u8]) -> Option<Attr> {
        let found = self.fs.lookup(dir, name).unwrap()?;
        self.count(found.ino);
        Some(found)
    }

    fn count(&self, told: Ino) {
        *self.told.borrow_mut().entry(told).or_default() += 1;
    }

    /// Forgets everything that was told: nothing stays but what is found by arithmetic.
    fn forget_all(&self) {
        let told = self.told.take();
        for (ino, lookups) in &told {
            self.fs.forget(*ino, *lookups);
        }
        for ino in told.into_keys().filter(|ino| *ino != Ino::ROOT) {
            let is_directory = |attr: Attr| attr.kind == FileKind::Directory;
            let kept = self.fs.getattr(ino).is_ok_and(is_directory);
            assert!(!kept, "{ino:?} is kept after it was forgotten");
        }
    }

    fn listed(&self, dir: Ino, from: u64) -> Vec<Listed> {
        let mut listed = Vec::new();
        let take = |entry: DirEntry<'_>| {
            listed.push((entry.name.to_vec(), entry.ino, entry.kind, entry.next));
            Sink::Took
        };
        self.fs.readdir(dir, from, take).unwrap();
        listed
    }

    /// A listing that is begun again at a position has the rest: from the first few positions, as
    /// large directories have many.
    fn check_positions(&self, path: &Path, dir: Ino, listed: &[Listed]) {
        for (place, (.., next)) in listed.iter().enumerate().take(8) {
            assert_eq!(self.listed(dir, *next), listed[place + 1..], "{path:?}");
        }
    }

    fn check_readdirplus(&self, path: &Path, dir: Ino, listed: &[Listed]) {
        let mut found: Vec<(Listed, Attr)> = Vec::new();
        let take = |entry: DirEntryPlus<'_>| {
            let Attr { ino, kind, .. } = entry.attr;
            found.push(((entry.name.to_vec(), ino, kind, entry.next), entry.attr));
            Sink::Took
        };
        self.fs.readdirplus(dir, 0, take).unwrap();
        let entries: Vec<_> = found.iter().map(|(entry, _)| entry).collect();
        assert_eq!(entries, listed.iter().collect::<Vec<_>>(), "{path:?}");
        // The kernel is told nothing but numbers of the dots.
        for (_, attr) in &found[2..] {
            self.count(attr.ino);
            assert_eq!(self.fs.getattr(attr.ino).unwrap(), *attr, "{path:?}");
        }
    }

    fn entry(&mut self, path: &Path, attr: &Attr, listed_right: bool) -> Entry {
        let first_name = self
            .first_names
            .entry(attr.ino)
            .or_insert_with(|| path.to_owned())
            .clone();
        let is_first = first_name == path;
        Entry {
            mode: type_bits(attr.kind) | u32::from(attr.permissions),
            owner: (attr.uid, attr.gid),
            rdev: attr.rdev,
            links: (attr.kind != FileKind::Directory).then_some(attr.nlink.into()),
            mtime: (attr.mtime.secs, attr.mtime.nanos.into()),
            xattrs: self.xattrs(attr.ino),
            contents: if is_first {
                self.contents(attr)
            } else {
                self.tree[&first_name].contents.clone()
            },
            first_name,
            listed_right,
        }
    }

    fn xattrs(&self, ino: Ino) -> BTreeMap<String, Vec<u8>> {
        let absent = self.fs.getxattr(ino, b"user.no such attribute");
        assert!(matches!(absent, Err(FsError::NoAttribute)));
        let names = self.fs.listxattr(ino).unwrap();
        names
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty())
            .map(|name| {
                let value = self.fs.getxattr(ino, name).unwrap();
                (String::from_utf8(name.to_vec()).unwrap(), value)
            })
            .collect()
    }

    fn contents(&self, attr: &Attr) -> String {
        match attr.kind {
            FileKind::Symlink => {
                let target = self.fs.readlink(attr.ino).unwrap();
                assert_eq!(target.len() as u64, attr.size);
                OsStr::from_bytes(&target).display().to_string()
            }
            FileKind::Regular => {
                let bytes = self.read(attr);
                assert!(
                    bytes == self.read_by_extents(attr),
                    "{attr:?}: data lies in a hole"
                );
                told_contents(&bytes)
            }
            _ => {
                let refused = self.fs.read(attr.ino, 0, &mut [0]);
                assert!(matches!(
                    refused,
                    Err(FsError::WrongKind | FsError::IsADirectory)
                ));
                String::new()
            }
        }
    }

    /// Reads in pieces of odd size, and once behind the end.
    fn read(&self, attr: &Attr) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut piece = vec![0; 60_001];
        loop {
            let length = self
                .fs
                .read(attr.ino, bytes.len() as u64, &mut piece)
                .unwrap();
            bytes.extend_from_slice(&piece[..length]);
            if length == 0 {
                assert_eq!(bytes.len() as u64, attr.size);
                return bytes;
            }
        }
    }

    /// Reads what LSEEK says is data; the rest is zeros.
    fn read_by_extents(&self, attr: &Attr) -> Vec<u8> {
        let mut bytes = vec![0; attr.size as usize];
        let mut at = 0;
        while let Ok(start) = self.fs.lseek(attr.ino, at, Seek::Data) {
            at = self.fs.lseek(attr.ino, start, Seek::Hole).unwrap();
            assert!(start < at, "an extent of nothing");
            let extent = &mut bytes[start as usize..at as usize];
            assert_eq!(self.fs.read(attr.ino, start, extent).unwrap(), extent.len());
        }
        bytes
    }
}

fn type_bits(kind: FileKind) -> u32 {
    match kind {
        FileKind::Directory => libc::S_IFDIR,
        FileKind::Regular => libc::S_IFREG,
        FileKind::Symlink => libc::S_IFLNK,
        FileKind::CharDevice => libc::S_IFCHR,
        FileKind::BlockDevice => libc::S_IFBLK,
        FileKind::Fifo => libc::S_IFIFO,
        FileKind::Socket => libc::S_IFSOCK,
    }
}
