//! Names that come twice, and bytes that names cannot have (T12).

use super::*;

#[test]
fn a_directory_that_becomes_a_file_and_a_directory_again() {
    contained(
        &[],
        |_| {
            tar()
                .dir("a")
                .file("a/x", "1")
                .file("a", "2")
                .dir("a")
                .file("a/y", "3")
        },
        &["d755 a", "f644 a/y \"3\""],
    );
}

#[test]
fn nul_bytes() {
    for key in ["path", "linkpath"] {
        let layer = tar().pax(&[record(key, b"a\0b")]).symlink("x", "y");
        assert!(refused(layer).contains("NUL byte"), "{key}");
    }
    assert!(refused(tar().gnu_long_name("a\0b").file("x", "")).contains("NUL byte"));
}

#[test]
fn users_that_do_not_exist() {
    for id in ["4294967295", "4294967296", "18446744073709551615"] {
        let layer = tar().pax(&[record("uid", id)]).file("a", "");
        assert!(refused(layer).contains("user or group number"), "{id}");
    }
}
