//! Hard links to what is not in the tree (T3).

use super::*;

#[test]
fn hard_link_absolute_to_the_host() {
    let store = store();
    let target = format!("{}/canary", store.outside());
    let layer = tar()
        .pax(&[record("linkpath", &target)])
        .hard_link("breakout", "x");
    let error = store
        .layer(&Chain::empty(), &layer.end())
        .map(drop)
        .unwrap_err()
        .to_string();
    assert!(error.ends_with("which does not exist"), "{error}");
}

#[test]
fn hard_link_relative_and_up_and_out() {
    for target in ["../outside/canary", "a/../../outside/canary"] {
        assert!(
            refused(tar().hard_link("breakout", target)).contains("\"..\""),
            "{target}"
        );
    }
}

#[test]
fn hard_link_down_and_out() {
    let message = refused(tar().dir("a").hard_link("breakout", "a/canary"));
    assert!(
        message.contains("is a hard link to \"a/canary\", which does not exist"),
        "{message}"
    );
}

#[test]
fn hard_link_before_its_target() {
    assert!(refused(tar().hard_link("a", "b").file("b", "1")).contains("does not exist"));
}

#[test]
fn hard_link_to_a_directory() {
    assert!(refused(tar().dir("d").hard_link("a", "d")).contains("which is a directory"));
    assert!(refused(tar().hard_link("a", "/")).contains("which is a directory"));
}

#[test]
fn hard_link_through_a_symlink() {
    let message = refused(
        tar()
            .dir("d")
            .file("d/x", "1")
            .symlink("l", "d")
            .hard_link("a", "l/x"),
    );
    assert!(message.contains("which does not exist"), "{message}");
}

#[test]
fn hard_link_symlink_chmod() {
    contained(
        &[],
        |outside| {
            let mode = |header: &mut tar::Header| header.set_mode(0o777);
            tar()
                .symlink("link", &format!("{outside}/canary"))
                .hard_link("hard", "link")
                .edited(EntryType::Regular, "hard", b"x", mode)
        },
        &["f777 hard \"x\"", "l link -> OUTSIDE/canary"],
    );
}

#[test]
fn hard_link_to_a_lower_file_then_overwrite_leaves_the_other() {
    contained(
        &[tar().file("a", "old")],
        |_| tar().hard_link("b", "a").file("b", "new"),
        &["f644 a \"old\"", "f644 b \"new\""],
    );
}

#[test]
fn hard_link_to_itself() {
    contained(
        &[],
        |_| tar().file("a", "1").hard_link("a", "a"),
        &["f644 a \"1\""],
    );
}

#[test]
fn hard_link_with_contents() {
    let layer = tar()
        .file("a", "1")
        .edited(EntryType::Link, "b", b"payload", |header| {
            header.as_old_mut().linkname[0] = b'a';
        });
    assert!(refused(layer).contains("has contents, which its type cannot have"));
}
