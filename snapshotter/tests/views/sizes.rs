//! What is large: directories, files, numbers, and the memory of the server.
//!
//! `IECHOR_FS_ENTRIES` says how many names (default 50,000); a nightly run takes 1,000,000.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use iechor_snapshotter::mount::OverlayMount;
use iechor_snapshotter::{Chain, NodeKind};
use rustix::fs::SeekFrom;
use rustix::io::Errno;

use crate::fixture::Lab;
use crate::programs::entries_from;
use crate::server_process::{self, ServerProcess};
use crate::suite::{Ground, check};

/// Names of a normal test run.
const ENTRIES: usize = 50_000;

fn many() -> usize {
    let wanted = std::env::var("IECHOR_FS_ENTRIES").ok();
    wanted.map_or(ENTRIES, |wanted| wanted.parse().unwrap())
}

/// A chain whose root has so many files.
fn large_directory(lab: &Lab, count: usize) -> Chain {
    lab.base(|layer| {
        let kind = layer.contents(b"x");
        for number in 0..count {
            layer.put(&format!("{number:07}"), kind.clone(), 0o644);
        }
    })
}

/// Runs something on an overlay over a chain, and gives it up.
fn on_overlay(lab: &Lab, chain: &Chain, run: impl FnOnce(&Path, &Path)) {
    let session = lab.session();
    let view = session.add_view(chain, &[]).unwrap();
    let active = lab.store.prepare(chain).unwrap();
    let (upper, work, merged) = (active.upper(), active.work(), active.merged());
    let overlay = OverlayMount::new(view.path(), &upper, &work, &merged).unwrap();
    run(overlay.path(), view.path());
    overlay.unmount().unwrap();
    drop(view);
    assert_eq!(session.faults().count(), 0);
    session.stop().unwrap();
}

#[test]
fn a_large_directory_is_listed_whole_and_from_any_place() {
    let (lab, count) = (Lab::new(), many());
    let chain = large_directory(&lab, count);
    let session = lab.session();
    let view = session.add_view(&chain, &[]).unwrap();
    let directory = File::open(view.path()).unwrap();
    let all = entries_from(&directory, 0);
    assert_eq!(all.len(), count + 2);
    assert!(all[2..].is_sorted() && all[2].0 == b"0000000");
    for place in [1, 2, 3, count / 2, count + 1] {
        let rest = entries_from(&directory, all[place].2);
        assert!(rest == all[place + 1..], "from place {place}");
    }
    let (name, ino, _) = &all[count * 3 / 4];
    let stat = fs::metadata(view.path().join(OsStr::from_bytes(name))).unwrap();
    assert_eq!(stat.ino(), *ino);
}

#[test]
fn a_large_directory_changes_under_an_overlay() {
    let (lab, count) = (Lab::new(), many());
    let chain = large_directory(&lab, count);
    on_overlay(&lab, &chain, |root, _| {
        fs::remove_file(root.join("0000007")).unwrap();
        fs::write(root.join("new"), "new").unwrap();
        fs::rename(root.join("0000008"), root.join("moved")).unwrap();
        let all = entries_from(&File::open(root).unwrap(), 0);
        assert_eq!(all.len(), count + 2);
        let has = |name: &str| all.iter().any(|(other, ..)| other == name.as_bytes());
        assert!(has("new") && has("moved") && has("0000009"));
        assert!(!has("0000007") && !has("0000008"));
    });
}

#[test]
fn numbers_of_more_than_32_bits_are_the_same_everywhere() {
    let lab = Lab::new();
    let chain = lab.base(|layer| _ = layer.file("d/f", b"f").file("l", b"l").link("d/l", "l"));
    on_overlay(&lab, &chain, |root, lower| {
        let ino = |path: &Path| fs::metadata(path).unwrap().ino();
        let before = ino(&root.join("d/f"));
        assert!(before > u64::from(u32::MAX), "{before}");
        assert_eq!(ino(&root.join("l")), ino(&root.join("d/l")));
        assert_eq!(ino(&lower.join("l")), ino(&lower.join("d/l")));
        let listed = entries_from(&File::open(root.join("d")).unwrap(), 0);
        assert!(
            listed
                .iter()
                .any(|(name, ino, _)| name == b"f" && *ino == before)
        );
        fs::write(root.join("d/f"), "copied up").unwrap();
        assert_eq!(ino(&root.join("d/f")), before);
    });
}

/// As many names as ext4 gives a file, in a nightly run.
#[test]
fn many_names_of_a_file_are_as_on_a_plain_overlay() {
    let count = (many() / 10).min(65_000);
    let script = format!(
        "mkdir h; create h/f x; links h/f {count}; stat h/f; unlink h/f.1; stat h/f // \
         stat h/f.7; append h/f.7 y; stat h/f.7; stat h/f"
    );
    check(&Ground::new(), &script).unwrap_or_else(|difference| panic!("{difference}"));
}

/// Logical size of the largest file.
const TIB: u64 = 1 << 40;

/// A chain with a file of 1 TiB, which has data at its very end.
///
/// Hashing so many zeros takes many minutes, so the blob has the name of its end alone: a server
/// never looks at that.
fn huge_file(lab: &Lab) -> Chain {
    let chain = lab.base(|layer| {
        let blob = lab.store.blobs().put(b"end").unwrap();
        layer.put("huge", NodeKind::Regular { blob, size: TIB }, 0o644);
    });
    let blob = lab.blob_path(b"end");
    fs::remove_file(&blob).unwrap();
    let file = File::create(&blob).unwrap();
    file.set_len(TIB).unwrap();
    file.write_all_at(b"end", TIB - 3).unwrap();
    chain
}

#[test]
fn a_file_of_a_tebibyte_is_read_sought_and_copied_up() {
    let lab = Lab::new();
    let chain = huge_file(&lab);
    on_overlay(&lab, &chain, |root, _| {
        let path = root.join("huge");
        let file = File::open(&path).unwrap();
        assert_eq!(file.metadata().unwrap().len(), TIB);
        let mut end = [1; 5];
        file.read_exact_at(&mut end, TIB - 5).unwrap();
        assert_eq!(&end, b"\0\0end");
        let data = rustix::fs::seek(&file, SeekFrom::Data(0)).unwrap();
        assert_eq!(data, TIB - 4096);
        assert_eq!(
            rustix::fs::seek(&file, SeekFrom::Data(TIB)),
            Err(Errno::NXIO)
        );
        let written = File::options().write(true).open(&path).unwrap();
        written.write_all_at(b"middle", TIB / 2).unwrap();
        let stat = fs::metadata(&path).unwrap();
        assert_eq!(stat.len(), TIB);
        assert!(stat.blocks() * 512 < 1 << 20, "holes were filled");
    });
}

/// Files of a directory where the memory is measured.
const FILES_PER_DIRECTORY: usize = 100;
/// Most bytes that the server may need for an inode that was touched.
const TOUCHED_BYTES: u64 = 250;
/// And of its own for one that was not.
const UNTOUCHED_BYTES: u64 = 1;

/// The files as a tree of many directories.
fn large_tree(lab: &Lab, count: usize) -> Chain {
    lab.base(|layer| {
        let kind = layer.contents(b"x");
        for number in 0..count {
            let directory = number / FILES_PER_DIRECTORY;
            layer.put(&format!("d{directory}/f{number}"), kind.clone(), 0o644);
        }
    })
}

/// Stats everything below, as `find -size` does; through the kernel's caches or not.
fn touch(at: &Path) {
    for entry in fs::read_dir(at).unwrap().map(Result::unwrap) {
        if entry.metadata().unwrap().is_dir() {
            touch(&entry.path());
        }
    }
}

/// What a server needs for a chain: as it was mounted, and when everything was touched.
fn memory_of_server(count: usize) -> [Memory; 2] {
    let lab = Lab::new();
    let chain = large_tree(&lab, count);
    let server = ServerProcess::start(&lab, &chain, "sizes::memory_is_bounded_by_what_was_touched");
    // Buffers of the threads, and the libraries.
    touch(&server.at.join("d0"));
    let mounted = Memory::of(&server);
    touch(&server.at);
    [mounted, Memory::of(&server)]
}

/// Resident memory in bytes.
#[derive(Debug, Clone, Copy)]
struct Memory {
    own: u64,
    /// Pages of mapped indexes, which the kernel takes back when it needs them.
    mapped: u64,
}

impl Memory {
    fn of(server: &ServerProcess) -> Self {
        Self {
            own: server.memory("RssAnon"),
            mapped: server.memory("RssFile"),
        }
    }

    /// What it is more than another, for each of so many inodes.
    fn more_than(self, other: Self, inodes: u64) -> Self {
        Self {
            own: self.own.saturating_sub(other.own) / inodes,
            mapped: self.mapped.saturating_sub(other.mapped) / inodes,
        }
    }
}

#[test]
fn memory_is_bounded_by_what_was_touched() {
    if server_process::is_child() {
        return server_process::serve_until_killed();
    }
    let count = many();
    let inodes = (count + count / FILES_PER_DIRECTORY) as u64;
    let [nothing, _] = memory_of_server(FILES_PER_DIRECTORY);
    let [mounted, touched] = memory_of_server(count);
    let (untouched, touched) = (
        mounted.more_than(nothing, inodes),
        touched.more_than(nothing, inodes),
    );
    println!("bytes for each of {inodes} inodes: untouched {untouched:?}, touched {touched:?}");
    assert!(untouched.own <= UNTOUCHED_BYTES, "{untouched:?}");
    assert!(touched.own + touched.mapped <= TOUCHED_BYTES, "{touched:?}");
}
