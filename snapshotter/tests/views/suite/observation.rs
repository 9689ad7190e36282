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
    mode: u32,
    owner: (u32, u32),
    rdev: u64,
    /// None for directories, which may or may not count theirs.
    links: Option<u64>,
    mtime: (i64, i64),
    xattrs: BTreeMap<String, Vec<u8>>,
    /// Digest and length of a file, target of a link.
    contents: String,
    /// The first path that is the same inode.
    first_name: PathBuf,
    /// Whether its directory lists it with this type and this inode number.
    listed_right: bool,
}

pub(crate) type Observation = BTreeMap<PathBuf, Entry>;

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
        Entry {
            mode: stat.mode(),
            owner: (stat.uid(), stat.gid()),
            rdev: if is_device(stat) { stat.rdev() } else { 0 },
            links: (!stat.is_dir()).then(|| stat.nlink()),
            mtime: (stat.mtime(), stat.mtime_nsec()),
            xattrs: xattrs(path),
            contents: contents(path, stat),
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

fn xattrs(path: &Path) -> BTreeMap<String, Vec<u8>> {
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
        format!("{} in {} bytes", Digest::of(&bytes), stat.len())
    } else {
        String::new()
    }
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
pub(crate) fn differences(
    one: &str,
    found: &Observation,
    other: &str,
    expected: &Observation,
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
