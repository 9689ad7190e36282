//! What a process can see of a tree: the terms in which trees are compared.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use iechor_snapshotter::Digest;
use rustix::fs::{Dir, FileType};

/// Everything about one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(super) mode: u32,
    pub(super) owner: (u32, u32),
    pub(super) rdev: u64,
    /// None for directories, which may or may not count theirs.
    pub(super) links: Option<u64>,
    pub(super) mtime: (i64, i64),
    pub(super) xattrs: BTreeMap<String, Vec<u8>>,
    /// Digest and length of a file, target of a link.
    pub(super) contents: String,
    /// The first path that is the same inode.
    pub(super) first_name: PathBuf,
    /// Whether its directory lists it with this type and this inode number.
    pub(super) listed_right: bool,
}

/// What of an entry a model without clocks can know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    pub(crate) rdev: u64,
    pub(crate) links: Option<u64>,
    pub(crate) xattrs: BTreeMap<String, Vec<u8>>,
    pub(crate) contents: String,
    pub(crate) first_name: PathBuf,
}

impl From<&Entry> for Shape {
    fn from(entry: &Entry) -> Self {
        Self {
            mode: entry.mode,
            owner: entry.owner,
            rdev: entry.rdev,
            links: entry.links,
            xattrs: entry.xattrs.clone(),
            contents: entry.contents.clone(),
            first_name: entry.first_name.clone(),
        }
    }
}

/// A tree as far as such a model can know it.
pub(super) fn shapes(tree: &Observation) -> BTreeMap<PathBuf, Shape> {
    let shape = |(path, entry): (&PathBuf, &Entry)| (path.clone(), entry.into());
    tree.iter().map(shape).collect()
}

pub(crate) type Observation = BTreeMap<PathBuf, Entry>;

/// Of a file with more names than this only the first is read.
const MANY_LINKS: u64 = 1000;

/// What is below a directory, and itself.
pub(crate) fn observe(root: &Path) -> Observation {
    let mut walk = Walk {
        tree: Observation::new(),
        first_names: HashMap::new(),
    };
    // Relative paths have all of the kernel's 4,095 bytes.
    std::env::set_current_dir(root).unwrap();
    walk.visit(Path::new("."), true);
    std::env::set_current_dir("/").unwrap();
    walk.tree
}

struct Walk {
    tree: Observation,
    first_names: HashMap<u64, PathBuf>,
}

impl Walk {
    fn visit(&mut self, path: &Path, listed_right: bool) {
        let stat = fs::symlink_metadata(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let entry = self.entry(path, &stat, listed_right);
        self.tree.insert(path.to_owned(), entry);
        if stat.is_dir() {
            self.visit_dir(path);
        }
    }

    fn visit_dir(&mut self, path: &Path) {
        let listed = list(path);
        let twice = listed.windows(2).find(|pair| pair[0].0 == pair[1].0);
        assert_eq!(twice, None, "{path:?} lists a name twice");
        for (name, ino, file_type) in listed {
            let child = path.join(name);
            let right = is_listed_right(&child, ino, file_type);
            self.visit(&child, right);
        }
    }

    fn entry(&mut self, path: &Path, stat: &fs::Metadata, listed_right: bool) -> Entry {
        let first_name = self
            .first_names
            .entry(stat.ino())
            .or_insert_with(|| path.to_owned());
        let contents = match self.tree.get(first_name) {
            Some(first) if stat.nlink() > MANY_LINKS => first.contents.clone(),
            _ => contents(path, stat),
        };
        Entry {
            mode: stat.mode(),
            owner: (stat.uid(), stat.gid()),
            rdev: if is_device(stat) { stat.rdev() } else { 0 },
            links: (!stat.is_dir()).then(|| stat.nlink()),
            mtime: (stat.mtime(), stat.mtime_nsec()),
            xattrs: xattrs(path),
            contents,
            first_name: first_name.clone(),
            listed_right,
        }
    }
}

/// Names, inode numbers and types as a directory lists them, sorted.
fn list(path: &Path) -> Vec<(OsString, u64, FileType)> {
    let directory = Dir::new(fs::File::open(path).unwrap()).unwrap();
    let mut listed: Vec<_> = directory
        .map(Result::unwrap)
        .map(|entry| {
            let name = OsStr::from_bytes(entry.file_name().to_bytes()).to_owned();
            (name, entry.ino(), entry.file_type())
        })
        .filter(|(name, ..)| name != "." && name != "..")
        .collect();
    listed.sort_by(|one, other| one.0.cmp(&other.0));
    listed
}

fn is_listed_right(path: &Path, ino: u64, file_type: FileType) -> bool {
    let stat = fs::symlink_metadata(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    stat.ino() == ino && FileType::from_raw_mode(stat.mode()) == file_type
}

fn is_device(stat: &fs::Metadata) -> bool {
    stat.file_type().is_char_device() || stat.file_type().is_block_device()
}

pub(super) fn xattrs(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut names = vec![0; 1 << 16];
    let length = rustix::fs::llistxattr(path, &mut names).unwrap();
    names[..length]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| String::from_utf8(name.to_vec()).unwrap())
        .map(|name| {
            let mut value = vec![0; 1 << 16];
            let length = rustix::fs::lgetxattr(path, &name, &mut value).unwrap();
            value.truncate(length);
            (name, value)
        })
        .collect()
}

fn contents(path: &Path, stat: &fs::Metadata) -> String {
    if stat.is_symlink() {
        fs::read_link(path).unwrap().display().to_string()
    } else if stat.is_file() {
        let bytes = fs::read(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        told_contents(&bytes)
    } else {
        String::new()
    }
}

/// Contents of a file as an [`Entry`] has them.
pub(crate) fn told_contents(bytes: &[u8]) -> String {
    format!("{} in {} bytes", Digest::of(bytes), bytes.len())
}

/// A lower as an overlay on it shows it: attributes for overlays within have an escaped name below.
pub(super) fn seen_through_overlay(mut tree: Observation) -> Observation {
    for entry in tree.values_mut() {
        let xattrs = std::mem::take(&mut entry.xattrs).into_iter();
        let unescape =
            |name: String| name.replacen("trusted.overlay.overlay.", "trusted.overlay.", 1);
        entry.xattrs = xattrs
            .map(|(name, value)| (unescape(name), value))
            .collect();
    }
    tree
}

/// The same without times of the last day: two runs have different ones.
pub(crate) fn coarse(tree: &Observation) -> Observation {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs() as i64;
    let mut tree = tree.clone();
    for entry in tree.values_mut() {
        if (now - entry.mtime.0).abs() < 86_400 {
            entry.mtime = (0, -1);
        }
    }
    tree
}

/// The first path that differs, told with both sides.
pub(crate) fn differences<E: PartialEq + std::fmt::Debug>(
    one: &str,
    found: &BTreeMap<PathBuf, E>,
    other: &str,
    expected: &BTreeMap<PathBuf, E>,
) -> Result<(), String> {
    let differs = |path: &&PathBuf| found.get(*path) != expected.get(*path);
    match found.keys().chain(expected.keys()).find(differs) {
        Some(path) => Err(format!(
            "  {path:?}\n  {one}: {:?}\n  {other}: {:?}",
            found.get(path),
            expected.get(path)
        )),
        None => Ok(()),
    }
}

#[test]
fn trees_that_differ_are_told_apart() {
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    for (dir, bits) in dirs.iter().zip([0o644, 0o640]) {
        fs::write(dir.path().join("f"), "x").unwrap();
        fs::set_permissions(dir.path().join("f"), fs::Permissions::from_mode(bits)).unwrap();
    }
    let [one, other] = dirs.each_ref().map(|dir| coarse(&observe(dir.path())));
    differences("one", &one, "itself", &one).unwrap();
    let told = differences("one", &one, "other", &other).unwrap_err();
    assert!(told.contains("\"./f\""), "{told}");
}
