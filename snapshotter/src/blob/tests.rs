use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::Path;

use super::*;
use crate::dirfd::open_dir;
use crate::store::SnapshotStore;

/// A store in a directory that goes away with it.
struct Fixture {
    dir: tempfile::TempDir,
    blobs: BlobStore,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let blobs = SnapshotStore::open(&dir.path().join("store"))
            .unwrap()
            .blobs()
            .clone();
        Self { dir, blobs }
    }

    fn read(&self, digest: &Digest) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.blobs
            .open(digest)
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        bytes
    }

    /// A directory on the store's file system, as a scratch directory is.
    fn outside(&self) -> &Path {
        self.dir.path()
    }

    fn adopt(&self, name: &str) -> (Digest, u64) {
        self.adopt_file(fs::File::open(self.outside().join(name)).unwrap())
    }

    fn adopt_file(&self, file: fs::File) -> (Digest, u64) {
        let stat = file.metadata().unwrap();
        let scratch = ScratchFile {
            file,
            len: stat.len(),
            dress: Dress {
                uid: stat.uid(),
                gid: stat.gid(),
                xattrs: true,
            },
        };
        self.blobs.adopt(&scratch).unwrap()
    }

    /// What a power loss may leave of a blob.
    fn cut_off(&self, digest: &Digest) {
        let path = self.blobs.shelf().path_of(digest);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_len(0).unwrap();
        assert!(matches!(
            self.blobs.verify(digest),
            Err(StoreError::Damaged { .. })
        ));
    }

    fn n_files(&self) -> usize {
        self.blobs.shelf().list().unwrap().len()
    }
}

#[test]
fn contents_are_stored_once_and_read_back() {
    let fixture = Fixture::new();
    let digest = fixture.blobs.put(b"hello").unwrap();
    assert_eq!(digest, Digest::of(b"hello"));
    assert_eq!(fixture.blobs.put(b"hello").unwrap(), digest);
    assert_eq!(fixture.read(&digest), b"hello");
    assert_eq!(fixture.n_files(), 1);
    assert!(matches!(
        fixture.blobs.open(&Digest::of(b"other")),
        Err(StoreError::NoBlob(_))
    ));
}

#[test]
fn a_stream_of_any_length_gives_the_digest_of_its_bytes() {
    let fixture = Fixture::new();
    for len in [
        0,
        1,
        SMALL as usize - 1,
        SMALL as usize,
        SMALL as usize + 1,
        1_000_000,
    ] {
        let bytes: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
        let mut writer = fixture.blobs.writer().unwrap();
        bytes
            .chunks(7_001)
            .for_each(|chunk| writer.write_all(chunk).unwrap());
        let (digest, written) = writer.finish().unwrap();
        assert_eq!((digest, written), (Digest::of(&bytes), len as u64));
        assert_eq!(fixture.read(&digest), bytes);
    }
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let fixture = Fixture::new();
    let mut writer = fixture.blobs.writer().unwrap();
    writer.write_all(&[7; 500_000]).unwrap();
    drop(writer);
    assert_eq!(
        fs::read_dir(fixture.outside().join("store/blobs"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn holes_take_no_space_and_read_as_zeros() {
    let fixture = Fixture::new();
    let mut writer = fixture.blobs.writer().unwrap();
    writer.skip(1 << 20).unwrap();
    writer.write_all(b"data").unwrap();
    writer.skip(1 << 20).unwrap();
    let (digest, len) = writer.finish().unwrap();
    let mut expected = vec![0; 2 * (1 << 20) + 4];
    expected[1 << 20..][..4].copy_from_slice(b"data");
    assert_eq!(
        (digest, len),
        (Digest::of(&expected), expected.len() as u64)
    );
    assert_eq!(fixture.read(&digest), expected);
    assert!(
        fixture
            .blobs
            .open(&digest)
            .unwrap()
            .metadata()
            .unwrap()
            .blocks()
            * 512
            <= 8192
    );
}

#[test]
fn a_sparse_file_is_copied_with_its_holes() {
    let fixture = Fixture::new();
    let file = tempfile::tempfile().unwrap();
    file.write_all_at(b"begin", 0).unwrap();
    file.write_all_at(b"end", 5_000_000).unwrap();
    file.set_len(6_000_000).unwrap();
    let (digest, len) = fixture.blobs.copy_from(&file).unwrap();
    assert_eq!(len, 6_000_000);
    let copy = fixture.blobs.open(&digest).unwrap().metadata().unwrap();
    assert!(copy.blocks() * 512 < 100_000 && copy.len() == len);
    assert_eq!(Digest::of(&fixture.read(&digest)), digest);
    fixture.blobs.verify(&digest).unwrap();
}

#[test]
fn a_file_is_copied_from_its_start_wherever_it_is_read() {
    let fixture = Fixture::new();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"whole").unwrap();
    file.seek(SeekFrom::Start(3)).unwrap();
    assert_eq!(
        fixture.blobs.copy_from(&file).unwrap(),
        (Digest::of(b"whole"), 5)
    );
}

#[test]
fn an_adopted_file_loses_all_but_its_contents() {
    let fixture = Fixture::new();
    let path = fixture.outside().join("tool");
    fs::write(&path, b"#!/bin/sh").unwrap();
    std::os::unix::fs::chown(&path, Some(1000), Some(1000)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o6755)).unwrap();
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(&path, "user.note", b"n", flags).unwrap();
    rustix::fs::setxattr(&path, "trusted.overlay.origin", b"o", flags).unwrap();
    let ino = fs::metadata(&path).unwrap().ino();

    let (digest, len) = fixture.adopt("tool");
    assert_eq!((digest, len), (Digest::of(b"#!/bin/sh"), 9));
    fs::remove_file(&path).unwrap();
    let blob = fixture.blobs.open(&digest).unwrap();
    let stat = blob.metadata().unwrap();
    assert_eq!((stat.ino(), stat.nlink()), (ino, 1), "not copied");
    assert_eq!(
        (stat.mode() & 0o7777, stat.uid(), stat.gid()),
        (0o400, 0, 0)
    );
    assert_eq!(rustix::fs::flistxattr(&blob, &mut [0_u8; 256]).unwrap(), 0);
}

#[test]
fn a_file_with_all_the_names_that_it_may_have_is_adopted() {
    let fixture = Fixture::new();
    let path = fixture.outside().join("0");
    fs::write(&path, b"linked").unwrap();
    let mut links = 1..=u64::from(u16::MAX);
    links.find(|number| fs::hard_link(&path, fixture.outside().join(number.to_string())).is_err());
    let (digest, _) = fixture.adopt("0");
    assert_eq!(fixture.read(&digest), b"linked");
    assert!(path.exists());
}

#[test]
fn a_file_of_another_file_system_is_copied() {
    let fixture = Fixture::new();
    let mut file = tempfile::tempfile_in("/dev/shm").unwrap();
    file.write_all(b"elsewhere").unwrap();
    assert_eq!(fixture.adopt_file(file), (Digest::of(b"elsewhere"), 9));
    assert_eq!(fixture.read(&Digest::of(b"elsewhere")), b"elsewhere");
}

#[test]
fn a_file_that_grew_since_it_was_looked_at_is_hashed_whole() {
    let fixture = Fixture::new();
    let contents = vec![7; 300_000];
    let mut file = tempfile::tempfile_in(fixture.outside()).unwrap();
    file.write_all(&contents).unwrap();
    let scratch = ScratchFile {
        file,
        len: 10,
        dress: Dress {
            uid: 0,
            gid: 0,
            xattrs: false,
        },
    };
    let adopted = fixture.blobs.adopt(&scratch);
    assert_eq!(adopted.unwrap(), (Digest::of(&contents), 300_000));
}

#[test]
fn contents_that_the_store_has_are_not_adopted_again() {
    let fixture = Fixture::new();
    let digest = fixture.blobs.put(b"same").unwrap();
    fs::write(fixture.outside().join("copy"), b"same").unwrap();
    assert_eq!(fixture.adopt("copy"), (digest, 4));
    assert_eq!(fixture.n_files(), 1);
}

#[test]
fn a_blob_that_a_power_loss_cut_off_is_replaced() {
    let fixture = Fixture::new();
    let digest = fixture.blobs.put(b"contents").unwrap();
    fixture.cut_off(&digest);
    fixture.blobs.put(b"contents").unwrap();
    assert_eq!(fixture.read(&digest), b"contents");
    fixture.cut_off(&digest);
    fs::write(fixture.outside().join("new"), b"contents").unwrap();
    fixture.adopt("new");
    assert_eq!(fixture.read(&digest), b"contents");
    assert_eq!(
        open_dir(
            rustix::fs::CWD,
            fixture.outside().join("store/blobs").as_os_str()
        )
        .map(|dir| crate::dirfd::names_in(dir).unwrap().len()),
        Ok(1)
    );
}

#[test]
fn two_threads_may_store_the_same_contents() {
    let fixture = Fixture::new();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for number in 0..200_u32 {
                    fixture.blobs.put(&number.to_le_bytes()).unwrap();
                }
            });
        }
    });
    assert_eq!(fixture.n_files(), 200);
}
