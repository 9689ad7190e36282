//! Trees written into directories of the host.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use iechor_image::layer::{WriteError, write_local};
use iechor_snapshotter::Chain;
use tar::EntryType;

use crate::store::{Store, store};
use crate::tarball::{Tar, record, tar};

/// A store with a tree, and a directory to write it into.
struct Case {
    store: Store,
    chain: Chain,
    target: PathBuf,
}

fn case(layer: Tar) -> Case {
    let store = store();
    let chain = store.layer(&Chain::empty(), &layer.end()).unwrap();
    let target = store.dir().join("target");
    Case {
        store,
        chain,
        target,
    }
}

impl Case {
    fn write(&self) -> Result<(), WriteError> {
        let result = write_local(&self.chain, self.store.snapshots.blobs(), &self.target);
        self.store.assert_contained();
        self.assert_tidy();
        result
    }

    /// Nothing of ours is left, neither beside the target nor in it.
    fn assert_tidy(&self) {
        for dir in [self.store.dir(), &self.target] {
            let Ok(entries) = fs::read_dir(dir) else {
                continue;
            };
            for entry in entries {
                let name = entry.unwrap().file_name().into_string().unwrap();
                assert!(!name.starts_with(".iechor"), "{name} in {}", dir.display());
            }
        }
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.target.join(path)).unwrap()
    }

    fn metadata(&self, path: &str) -> fs::Metadata {
        fs::symlink_metadata(self.target.join(path)).unwrap()
    }
}

#[test]
fn a_new_directory_is_the_tree() {
    let layer = tar()
        .dir_mode("d", 0o2750)
        .pax(&[record("mtime", "1000.25"), record("uid", "1234")])
        .edited(EntryType::Regular, "d/a", b"1", |header| {
            header.set_mode(0o4711);
        })
        .hard_link("d/b", "d/a")
        .symlink("l", "/etc/passwd")
        .fifo("p")
        .device(EntryType::Char, "null", 1, 3);
    let case = case(layer);
    case.write().unwrap();
    assert_eq!(case.metadata("d").permissions().mode() & 0o7777, 0o2750);
    let file = case.metadata("d/a");
    assert_eq!(file.permissions().mode() & 0o7777, 0o4711);
    assert_eq!(
        (file.uid(), file.mtime(), file.mtime_nsec()),
        (1234, 1000, 250_000_000)
    );
    assert_eq!(case.metadata("d/b").ino(), file.ino());
    assert_eq!(
        fs::read_link(case.target.join("l")).unwrap(),
        Path::new("/etc/passwd")
    );
    assert!(!case.target.join("null").exists(), "a device is left out");
    assert_eq!(case.metadata("d").mtime(), 1_000_000_000);
}

#[test]
fn missing_parents_of_the_target_are_made() {
    let mut case = case(tar().file("a", "1"));
    case.target = case.target.join("x/y");
    case.write().unwrap();
    assert_eq!(case.read("a"), "1");
}

#[test]
fn an_existing_directory_keeps_what_it_has() {
    let case = case(tar().dir("d").file("d/new", "new").file("same", "new"));
    fs::create_dir_all(case.target.join("d")).unwrap();
    fs::write(case.target.join("d/old"), "old").unwrap();
    fs::write(case.target.join("same"), "old").unwrap();
    case.write().unwrap();
    assert_eq!(
        (case.read("d/old"), case.read("d/new"), case.read("same")),
        ("old".into(), "new".into(), "new".into())
    );
}

#[test]
fn links_in_the_target_are_not_written_through() {
    let case = case(tar().dir("d").file("d/canary", "x").file("f", "x"));
    fs::create_dir(&case.target).unwrap();
    symlink(case.store.outside(), case.target.join("d")).unwrap();
    symlink(
        Path::new(&case.store.outside()).join("canary"),
        case.target.join("f"),
    )
    .unwrap();
    case.write().unwrap();
    assert!(case.metadata("d").is_dir());
    assert_eq!(
        (case.read("d/canary"), case.read("f")),
        ("x".into(), "x".into())
    );
}

#[test]
fn a_directory_in_the_place_of_a_file_is_not_removed() {
    let case = case(tar().file("d", "x"));
    fs::create_dir_all(case.target.join("d/precious")).unwrap();
    let error = case.write().unwrap_err();
    let expected = format!(
        "{} is a directory, in the place of which a file should be written: remove it first",
        case.target.join("d").display()
    );
    assert_eq!(error.to_string(), expected);
    assert!(case.target.join("d/precious").exists());
}

#[test]
fn a_target_that_is_a_file_is_an_error() {
    let case = case(tar().file("a", "1"));
    fs::write(&case.target, "file").unwrap();
    assert!(matches!(case.write(), Err(WriteError::Io { .. })));
    assert_eq!(fs::read_to_string(&case.target).unwrap(), "file");
}

#[test]
fn holes_stay_holes() {
    let records = [
        record("GNU.sparse.size", (64 << 20).to_string()),
        record("GNU.sparse.name", "hole"),
        record("GNU.sparse.map", format!("{},4", (64 << 20) - 4)),
    ];
    let case = case(tar().pax(&records).file("x", "tail"));
    case.write().unwrap();
    let file = case.metadata("hole");
    assert_eq!(file.len(), 64 << 20);
    assert!(file.blocks() < 1024, "{}", file.blocks());
    assert!(
        fs::read(case.target.join("hole"))
            .unwrap()
            .ends_with(b"\0tail")
    );
}
