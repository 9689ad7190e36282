//! Files that are read one after the other, which the server fetches before they are asked for.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use iechor_snapshotter::fuse::View;
use iechor_snapshotter::{Chain, NodeKind};

use crate::fixture::Lab;

const FILES: usize = 600;

/// Sizes around what is fetched ahead, empty files among them.
fn contents(number: usize) -> Vec<u8> {
    let size = [0, 1, 100, 4096, 5000, 70_000, 131_072, 131_073][number % 8];
    let line = format!("{number}\n").into_bytes();
    line.iter().copied().cycle().take(size).collect()
}

fn name(number: usize) -> String {
    format!("d{}/f{number:04}", number / 200)
}

/// Three directories, in which something that is no file lies here and there.
fn many_files(lab: &Lab) -> Chain {
    lab.base(|layer| {
        for number in 0..FILES {
            layer.file(&name(number), &contents(number));
            if number % 50 == 3 {
                layer.symlink(&format!("{}-link", name(number)), "f0000");
                layer.put(&format!("{}-pipe", name(number)), NodeKind::Fifo, 0o644);
            }
        }
    })
}

/// Reads all files in the order of a listing, and compares.
fn read_all(root: &Path) {
    for number in 0..FILES {
        let found = fs::read(root.join(name(number))).unwrap();
        assert!(found == contents(number), "{}", name(number));
    }
}

fn list(view: &View) {
    for dir in ["d0", "d1", "d2"] {
        assert!(fs::read_dir(view.path().join(dir)).unwrap().count() >= 200);
    }
}

#[test]
fn files_are_right_whoever_asked_first() {
    let lab = Lab::new();
    let session = lab.session();
    let view = session.add_view(&many_files(&lab), &[]).unwrap();
    list(&view);
    for _ in 0..2 {
        read_all(view.path());
    }
    assert_eq!(session.faults().count(), 0);
    session.stop().unwrap();
}

/// Whether this process, which is the server, has the blob of a file open.
fn is_open(lab: &Lab, number: usize) -> bool {
    let blob = lab.blob_path(&contents(number));
    let open = fs::read_dir("/proc/self/fd").unwrap();
    open.filter_map(|fd| fs::read_link(fd.unwrap().path()).ok())
        .any(|path| path == blob)
}

#[test]
fn who_reads_two_files_has_the_next_ones_fetched() {
    let lab = Lab::new();
    let session = lab.session();
    let view = session.add_view(&many_files(&lab), &[]).unwrap();
    list(&view);
    fs::read(view.path().join(name(300))).unwrap();
    // Between them lie what is no file, what is empty and what is too large to be fetched.
    let next = [302, 306];
    assert!(!next.iter().any(|number| is_open(&lab, *number)));
    fs::read(view.path().join(name(301))).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !next.iter().all(|number| is_open(&lab, *number)) {
        assert!(Instant::now() < deadline, "nothing is fetched");
        thread::sleep(Duration::from_millis(5));
    }
    assert!(!is_open(&lab, 303) && !is_open(&lab, 402));
}

/// Each is ahead of another, so that what is fetched meets what is asked for.
#[test]
fn many_readers_at_once_are_served() {
    let lab = Lab::new();
    let chain = many_files(&lab);
    for _ in 0..3 {
        let session = lab.session();
        let view = session.add_view(&chain, &[]).unwrap();
        list(&view);
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| read_all(view.path()));
            }
        });
        drop(view);
        session.stop().unwrap();
    }
}

/// Contents that nobody asked for may be missing.
#[test]
fn what_is_lost_and_not_asked_for_is_no_fault() {
    let lab = Lab::new();
    let chain = many_files(&lab);
    let lost: Vec<PathBuf> = [20, 21, 35].map(|n| lab.blob_path(&contents(n))).into();
    let session = lab.session();
    let view = session.add_view(&chain, &[]).unwrap();
    list(&view);
    for blob in &lost {
        fs::remove_file(blob).unwrap();
    }
    for number in (0..40).filter(|number| ![20, 21, 35].contains(number)) {
        let found = fs::read(view.path().join(name(number))).unwrap();
        assert!(found == contents(number), "{}", name(number));
    }
    assert_eq!(session.faults().count(), 0);
    assert!(fs::read(view.path().join(name(20))).is_err());
    assert!(session.faults().count() > 0);
}

/// A session ends while files are being fetched.
#[test]
fn a_session_ends_in_the_middle() {
    let lab = Lab::new();
    let chain = many_files(&lab);
    for last in [2, 3, 10, 100] {
        let session = lab.session();
        let view = session.add_view(&chain, &[]).unwrap();
        list(&view);
        for number in 0..last {
            fs::read(view.path().join(name(number))).unwrap();
        }
        drop(view);
        session.stop().unwrap();
    }
}
