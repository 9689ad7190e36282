use super::*;
use crate::progress::silent;

struct Store {
    _dir: tempfile::TempDir,
    content: ContentStore,
}

fn store() -> Store {
    let dir = tempfile::tempdir().unwrap();
    let content = ContentStore::open(dir.path()).unwrap();
    Store { _dir: dir, content }
}

fn descriptor(bytes: &[u8]) -> Descriptor {
    Descriptor::of("application/octet-stream", bytes)
}

fn is_empty(content: &ContentStore) -> bool {
    let unfinished = fs::read_dir(content.ingest_dir()).unwrap().count();
    unfinished == 0 && content.list().unwrap().is_empty()
}

#[test]
fn content_is_found_again_by_its_descriptor() {
    let Store { content, .. } = &store();
    let expected = descriptor(b"hello");
    assert!(!content.contains(&expected));
    let path = content
        .ingest(&mut &b"hello"[..], &expected, &silent)
        .unwrap();
    assert_eq!(fs::read(path).unwrap(), b"hello");
    assert!(content.contains(&expected));
    assert_eq!(content.read(&expected).unwrap(), b"hello");
    assert_eq!(content.put(b"hello").unwrap(), expected.digest);
    assert_eq!(content.list().unwrap(), [(expected.digest, 5)]);
    content.remove(&expected.digest).unwrap();
    content.remove(&expected.digest).unwrap();
    assert!(is_empty(content));
}

#[test]
fn what_is_not_what_was_named_does_not_appear() {
    let Store { content, .. } = &store();
    let expected = descriptor(b"hello");
    let error = |bytes: &[u8]| {
        content
            .ingest(&mut &*bytes, &expected, &silent)
            .unwrap_err()
    };
    assert!(
        error(b"hell")
            .to_string()
            .ends_with("is truncated: 4 bytes of 5")
    );
    assert!(
        error(b"hello!")
            .to_string()
            .ends_with("has more than the 5 bytes that it should have")
    );
    let mismatch = error(b"jello").to_string();
    assert!(
        mismatch.contains(&expected.digest.to_string()),
        "{mismatch}"
    );
    assert!(
        mismatch.contains(&Digest::of(b"jello").to_string()),
        "{mismatch}"
    );
    assert!(is_empty(content));
}

#[test]
fn opening_sweeps_what_a_crash_left_but_not_what_is_being_written() {
    let Store { _dir: dir, content } = &store();
    let left = content.ingest_dir().join("left");
    fs::write(&left, "x").unwrap();
    let writer = content.writer().unwrap();
    ContentStore::open(dir.path()).unwrap();
    assert!(left.exists());
    drop(writer);
    ContentStore::open(dir.path()).unwrap();
    assert!(is_empty(content));
}

#[test]
fn damage_on_disk_is_found_when_a_document_is_read() {
    let Store { content, .. } = &store();
    let expected = descriptor(b"hello");
    content.put(b"hello").unwrap();
    let path = content.path(&expected.digest);
    fs::remove_file(&path).unwrap();
    fs::write(&path, b"jello").unwrap();
    assert!(matches!(
        content.read(&expected),
        Err(ContentError::DigestMismatch { .. })
    ));
}
