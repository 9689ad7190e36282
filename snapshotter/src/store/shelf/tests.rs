use std::io::{Read, Write};

use super::*;

fn shelf(dir: &Path) -> Arc<Shelf> {
    let fd = crate::dirfd::open_dir(CWD, dir.as_os_str()).unwrap();
    Shelf::new(fd, dir.to_owned())
}

fn n_unfinished(shelf: &Shelf) -> usize {
    let names = shelf.names(Path::new(".")).unwrap();
    names
        .iter()
        .filter(|name| name.as_bytes().starts_with(UNFINISHED.as_bytes()))
        .count()
}

#[test]
fn without_nameless_files_a_temporary_name_serves() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = shelf(dir.path());
    let digest = Digest::of(b"contents");
    for _ in 0..2 {
        let mut new = shelf.create_named().unwrap();
        new.file.write_all(b"contents").unwrap();
        assert_eq!(n_unfinished(&shelf), 1);
        shelf.publish(new, &digest, 8).unwrap();
        assert_eq!(n_unfinished(&shelf), 0);
    }
    let mut bytes = Vec::new();
    shelf
        .open(&digest)
        .unwrap()
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    assert_eq!(bytes, b"contents");
    assert_eq!(shelf.list().unwrap(), [digest]);
}

#[test]
fn an_unfinished_file_goes_with_its_owner_or_with_the_next_sweep() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = shelf(dir.path());
    drop(shelf.create_named().unwrap());
    assert_eq!(n_unfinished(&shelf), 0);
    std::fs::write(dir.path().join(".new-abandoned"), "half").unwrap();
    let held = shelf.create_named().unwrap();
    shelf.sweep_unfinished().unwrap();
    assert_eq!(n_unfinished(&shelf), 1, "only what nobody writes is swept");
    drop(held);
}

#[test]
fn names_that_are_no_digests_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("ab")).unwrap();
    std::fs::write(dir.path().join("ab/notes.txt"), "x").unwrap();
    std::fs::write(dir.path().join("readme"), "x").unwrap();
    assert_eq!(shelf(dir.path()).list().unwrap(), []);
    assert_eq!(shelf(dir.path()).remove(&Digest::of(b"x")).unwrap(), None);
}
