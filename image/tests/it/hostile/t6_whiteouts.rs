//! Whiteouts of no honest name, and marks of overlay file systems (T6).

use super::*;

#[test]
fn whiteouts_of_no_name() {
    for name in [".wh.", ".wh..", ".wh...", "a/.wh.", "a/.wh...", "/.wh.."] {
        assert!(
            refused(tar().file(name, "")).contains("whiteout of no possible name"),
            "{name}"
        );
    }
}

#[test]
fn names_below_whiteouts() {
    assert!(refused(tar().file(".wh.a/b", "")).contains("lies below a whiteout"));
    assert!(refused(tar().dir("x").file("x/.wh..wh..opq/b", "")).contains("below a whiteout"));
}

#[test]
fn whiteout_through_a_symlink() {
    let below = tar()
        .symlink("link", "/etc")
        .dir("etc")
        .file("etc/passwd", "1");
    let message = refused_on(
        std::slice::from_ref(&below),
        tar().file("link/.wh.passwd", ""),
    );
    assert!(message.contains("lies below \"link\""), "{message}");
    let message = refused_on(&[below], tar().file("link/.wh..wh..opq", ""));
    assert!(message.contains("lies below \"link\""), "{message}");
}

#[test]
fn whiteout_of_the_root_directory() {
    contained(
        &[tar().file("a", "1").dir("d").file("d/b", "1")],
        |_| tar().file(".wh..wh..opq", "").file("new", "2"),
        &["f644 new \"2\""],
    );
}

#[test]
fn whiteout_of_a_symlink_leaves_its_target() {
    contained(
        &[tar().symlink("link", "dir").dir("dir").file("dir/x", "1")],
        |_| tar().file(".wh.link", ""),
        &["d755 dir", "f644 dir/x \"1\""],
    );
}

#[test]
fn hard_link_to_a_whiteout() {
    let message = refused(
        tar()
            .file("a", "1")
            .file(".wh.b", "")
            .hard_link("c", ".wh.b"),
    );
    assert!(message.contains("does not exist"), "{message}");
}

#[test]
fn overlayfs_own_whiteout_device() {
    let message = refused(tar().device(EntryType::Char, "a", 0, 0));
    assert!(message.contains("character device 0:0"), "{message}");
}

#[test]
fn attributes_of_overlay_file_systems() {
    let store = store();
    let names = [
        "trusted.overlay.opaque",
        "user.overlay.whiteout",
        "user.fuseoverlayfs.opaque",
    ];
    let records = names.map(|name| record(&format!("SCHILY.xattr.{name}"), "y"));
    let chain = store.layers(&[
        tar().dir("d").file("d/x", "1").end(),
        tar().pax(&records).dir("d").end(),
    ]);
    assert_eq!(store.listing(&chain), ["d755 d", "f644 d/x \"1\""]);
    let tree = store.tree(&chain);
    assert!(
        tree.read_dir(&tree.root())[0]
            .1
            .metadata()
            .xattrs
            .is_empty()
    );
}

#[test]
fn bookkeeping_of_aufs() {
    contained(
        &[],
        |_| {
            tar()
                .dir(".wh..wh.plnk")
                .file(".wh..wh.plnk/1.2", "x")
                .file("a", "1")
        },
        &["f644 a \"1\""],
    );
}
