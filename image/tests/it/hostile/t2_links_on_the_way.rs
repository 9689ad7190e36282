//! Symbolic links on the way to an entry (T2).

use super::*;

/// A link that this layer made itself gives way to the directory that a later entry needs.
#[test]
fn symlink_absolute() {
    contained(
        &[],
        |outside| {
            tar()
                .symlink("localetc", outside)
                .file("localetc/unbroken", "x")
        },
        &["d755 localetc", "f644 localetc/unbroken \"x\""],
    );
}

#[test]
fn symlink_up_and_out() {
    contained(
        &[],
        |_| {
            tar()
                .symlink("dir", "../../../../outside")
                .file("dir/file", "x")
        },
        &["d755 dir", "f644 dir/file \"x\""],
    );
}

#[test]
fn symlink_multiple_absolute() {
    contained(
        &[],
        |outside| {
            tar()
                .symlink("a", outside)
                .symlink("b", "/a")
                .file("b/canary", "x")
        },
        &["l a -> OUTSIDE", "d755 b", "f644 b/canary \"x\""],
    );
}

#[test]
fn symlink_multiple_relative() {
    contained(
        &[],
        |_| {
            tar()
                .symlink("a", "../../outside")
                .symlink("b", "a")
                .file("b/canary", "x")
        },
        &["l a -> ../../outside", "d755 b", "f644 b/canary \"x\""],
    );
}

#[test]
fn symlink_parent_directory() {
    contained(
        &[],
        |_| tar().symlink("dir", "..").file("dir/outside/canary", "x"),
        &[
            "d755 dir",
            "d755 dir/outside",
            "f644 dir/outside/canary \"x\"",
        ],
    );
}

#[test]
fn symlink_empty_filename() {
    contained(
        &[],
        |_| tar().symlink("dir", "../outside").file("dir/./canary", "x"),
        &["d755 dir", "f644 dir/canary \"x\""],
    );
}

#[test]
fn symlink_slash_ended() {
    contained(
        &[],
        |outside| tar().symlink("dir/", outside).file("dir/x", "1"),
        &["d755 dir", "f644 dir/x \"1\""],
    );
}

/// A link of a layer below is not followed, and not replaced unasked.
#[test]
fn symlink_of_a_lower_layer() {
    let below = tar().symlink("lib", "/usr/lib");
    let message = refused_on(&[below], tar().file("lib/x", "1"));
    assert_eq!(
        message,
        "archive entry \"lib/x\" lies below \"lib\", which is not a directory"
    );
}

#[test]
fn symlink_of_a_lower_layer_deeper() {
    let below = tar().dir("a").symlink("a/b", "/").dir("c");
    let message = refused_on(&[below], tar().file("c/x", "").file("a/b/c/x", "1"));
    assert!(message.contains("lies below \"a/b\""), "{message}");
}

#[test]
fn a_file_on_the_way() {
    assert!(refused(tar().file("a", "1").file("a/b", "2")).contains("lies below \"a\""));
    assert!(refused(tar().fifo("a").file("a/b/c", "2")).contains("lies below \"a\""));
}

#[test]
fn directory_override_symlink() {
    contained(
        &[tar().symlink("dir", "/outside")],
        |_| tar().dir("dir").file("dir/x", "1"),
        &["d755 dir", "f644 dir/x \"1\""],
    );
}

#[test]
fn symlink_override_directory() {
    contained(
        &[tar().dir("dir").file("dir/x", "1")],
        |outside| tar().symlink("dir", outside),
        &["l dir -> OUTSIDE"],
    );
}

#[test]
fn symlink_override_directory_then_write_below() {
    contained(
        &[tar().dir("dir").file("dir/x", "1")],
        |outside| {
            tar()
                .file("dir/y", "2")
                .symlink("dir", outside)
                .file("dir/canary", "3")
        },
        &["d755 dir", "f644 dir/canary \"3\""],
    );
}

#[test]
fn symlink_override_directory_relative() {
    contained(
        &[tar().dir("dir").file("dir/x", "1")],
        |_| tar().symlink("dir", "../outside"),
        &["l dir -> ../outside"],
    );
}

#[test]
fn directory_override_symlink_and_hard_link() {
    let store = store();
    let chain = store.layers(&[
        tar().file("target", "1").symlink("link", "/outside").end(),
        tar().dir("link").hard_link("link/hard", "target").end(),
    ]);
    let expected = ["d755 link", "f644 link/hard \"1\"", "f644 target \"1\""];
    assert_eq!(store.listing(&chain), expected);
}

#[test]
fn file_override_symlink() {
    contained(
        &[tar().symlink("a", "/outside/canary")],
        |_| tar().file("a", "x"),
        &["f644 a \"x\""],
    );
}
