//! Names that lead out of the tree (T1).

use super::*;

#[test]
fn parent_components() {
    for name in [
        "../x",
        "..",
        "a/../../x",
        "a/..",
        "/../x",
        "./../x",
        "a/../b",
    ] {
        assert!(
            refused(tar().file(name, "x")).contains("has a \"..\" component"),
            "{name}"
        );
    }
}

#[test]
fn parent_components_of_directories_and_links() {
    assert!(refused(tar().dir("../d")).contains("\"..\""));
    assert!(refused(tar().symlink("../l", "x")).contains("\"..\""));
    assert!(refused(tar().file("a", "1").hard_link("b", "../a")).contains("\"..\""));
}

#[test]
fn parent_components_in_long_names() {
    assert!(refused(tar().pax(&[record("path", "../x")]).file("x", "")).contains("\"..\""));
    assert!(refused(tar().gnu_long_name("a/../../x").file("x", "")).contains("\"..\""));
}

#[test]
fn parent_components_split_over_the_prefix() {
    let layer = tar().edited(EntryType::Regular, "../x", b"", |header| {
        header.as_ustar_mut().unwrap().prefix[..2].copy_from_slice(b"..");
    });
    assert!(refused(layer).contains("\"..\""));
}

#[test]
fn absolute_names_stay_inside() {
    contained(
        &[],
        |_| tar().file("/etc/passwd", "x"),
        &["d755 etc", "f644 etc/passwd \"x\""],
    );
    contained(
        &[],
        |_| tar().file("//a///b", "x"),
        &["d755 a", "f644 a/b \"x\""],
    );
}

#[test]
fn the_root_as_something_else() {
    for name in ["/", ".", "./", ""] {
        let file = tar().raw(&header(EntryType::Regular, b"", 0), b"");
        assert!(refused(file).contains("is the root"), "{name:?}");
        assert!(
            refused(tar().symlink(name, "/x")).contains("is the root"),
            "{name:?}"
        );
    }
}

#[test]
fn empty_filename() {
    contained(&[], |_| tar().dir("").file("a", "1"), &["f644 a \"1\""]);
}
