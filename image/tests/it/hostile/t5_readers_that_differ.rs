//! Archives that readers take for different ones (T5).

use super::*;

/// CVE-2025-62518: the size of PAX and that of ustar lead to different archives.
#[test]
fn two_sizes() {
    let inner = tar().file("smuggled", "x").cut();
    let layer = tar().pax(&[record("size", inner.len().to_string())]);
    let zero = layer
        .clone()
        .raw(&header(EntryType::Regular, b"a", 0), &inner);
    assert!(refused(zero).contains("its two sizes differ"));
    let large = layer.raw(&header(EntryType::Regular, b"a", 5), &inner);
    assert!(refused(large).contains("its two sizes differ"));
}

/// GHSA-3pv8-6f4r-ffg2: a PAX size extends the entry, not GNU's long name before it.
#[test]
fn a_pax_header_before_a_long_name() {
    let long = "n".repeat(150);
    let layer = tar()
        .pax(&[record("size", "1")])
        .gnu_long_name(&long)
        .file("x", "1");
    contained(&[], |_| layer, &[&format!("f644 {long} \"1\"")]);
}

#[test]
fn two_long_names() {
    let layer = tar()
        .pax(&[record("path", "a")])
        .gnu_long_name("b")
        .file("c", "");
    assert!(refused(layer).contains("two long names"));
    assert!(
        refused(tar().gnu_long_name("a").gnu_long_name("b").file("c", "")).contains("two long")
    );
}

#[test]
fn two_extended_headers() {
    let layer = tar()
        .pax(&[record("path", "a")])
        .pax(&[record("path", "b")])
        .file("c", "");
    assert!(refused(layer).contains("two extended headers"));
}

#[test]
fn a_global_header_that_renames() {
    let layer = tar().global(&[record("path", "/etc/passwd")]).file("a", "");
    assert!(refused(layer).contains("global record"));
}

#[test]
fn a_file_whose_name_ends_in_a_slash() {
    assert!(refused(tar().file("a/", "x")).contains("ends in a slash"));
}

#[test]
fn contents_of_what_has_none() {
    for kind in [EntryType::Directory, EntryType::Symlink, EntryType::Fifo] {
        let layer = tar().edited(kind, "a", b"smuggled", |_| {});
        assert!(refused(layer).contains("has contents"), "{kind:?}");
    }
}

#[test]
fn unknown_types() {
    for kind in *b"DMNVX" {
        let layer = tar().edited(EntryType::new(kind), "a", b"", |_| {});
        assert!(
            refused(layer).contains("unknown type"),
            "{}",
            char::from(kind)
        );
    }
}

#[test]
fn a_wrong_checksum() {
    let mut bytes = tar().file("a", "1").end();
    bytes[0] = b'b';
    let error = store()
        .layer(&Chain::empty(), &bytes)
        .map(drop)
        .unwrap_err()
        .to_string();
    assert_eq!(error, "archive has no valid tar header at byte 0");
}

#[test]
fn an_extension_that_extends_nothing() {
    assert!(refused(tar().file("a", "").gnu_long_name("b")).contains("truncated"));
}

#[test]
fn data_after_the_end() {
    let bytes = [tar().file("a", "1").end(), tar().file("b", "2").end()].concat();
    let error = store()
        .layer(&Chain::empty(), &bytes)
        .map(drop)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("archive has data after its end"),
        "{error}"
    );
}

#[test]
fn a_single_block_of_zeros_ends_nothing_halfway() {
    let layer = tar().file("a", "1").bytes(&[0; 512]).file("b", "2");
    assert!(refused(layer).contains("data after its end"));
}

#[test]
fn numbers_that_are_none() {
    let layer = tar().edited(EntryType::Regular, "a", b"", |header| {
        header.as_old_mut().mode = *b"89999999";
    });
    assert!(refused(layer).contains("invalid mode"));
    let layer = tar().edited(EntryType::Regular, "a", b"", |header| {
        header.as_old_mut().size = [0xff; 12];
    });
    assert!(refused(layer).contains("invalid size"));
}
