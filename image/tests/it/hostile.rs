//! Archives made to harm (TRUST section 1.1): each is refused with a reason, or does no more than
//! its names say inside the tree. After each, nothing outside the store has changed.
//!
//! The names of the link, whiteout and override cases follow containerd's `TestBreakouts`.

use iechor_snapshotter::Chain;
use tar::EntryType;

use crate::store::{Store, store};
use crate::tarball::{Tar, header, record, tar};

/// The message with which an archive on an empty tree is refused.
fn refused(layer: Tar) -> String {
    refused_on(&[], layer)
}

/// The same on other layers.
fn refused_on(below: &[Tar], layer: Tar) -> String {
    let store = store();
    let chain = base(&store, below);
    store
        .layer(&chain, &layer.end())
        .map(drop)
        .unwrap_err()
        .to_string()
}

fn base(store: &Store, below: &[Tar]) -> Chain {
    let tars: Vec<_> = below.iter().cloned().map(Tar::end).collect();
    store.layers(&tars)
}

/// What the tree shows after an archive that tries and fails to leave it.
fn contained(below: &[Tar], layer: impl FnOnce(&str) -> Tar, expected: &[&str]) {
    let store = store();
    let outside = store.outside();
    let chain = base(&store, below);
    let chain = store.layer(&chain, &layer(&outside).end()).unwrap();
    let shown: Vec<_> = store
        .listing(&chain)
        .iter()
        .map(|line| line.replace(&outside, "OUTSIDE"))
        .collect();
    assert_eq!(shown, expected);
}

mod t1_names {
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
}

mod t2_links_on_the_way {
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
}

mod t3_hard_links {
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
}

mod t4_metadata_through_links {
    use super::*;

    #[test]
    fn a_directory_entry_below_a_link_is_no_chmod_of_its_target() {
        use std::os::unix::fs::PermissionsExt;
        let store = store();
        let before = std::fs::metadata(store.outside())
            .unwrap()
            .permissions()
            .mode();
        let layer = tar().symlink("d", &store.outside()).dir_mode("d/.", 0o777);
        let chain = store.layer(&Chain::empty(), &layer.end()).unwrap();
        assert_eq!(store.listing(&chain), ["d777 d"]);
        assert_eq!(
            std::fs::metadata(store.outside())
                .unwrap()
                .permissions()
                .mode(),
            before
        );
    }
}

mod t5_readers_that_differ {
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
}

mod t6_whiteouts {
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
}

mod t7_t8_special_files {
    use super::*;

    /// `Store::layer` looks for nodes and setuid files on the host's disk after each archive.
    #[test]
    fn devices_pipes_and_setuid_files_are_facts_and_no_files() {
        contained(
            &[],
            |_| {
                tar()
                    .device(EntryType::Char, "mem", 1, 1)
                    .device(EntryType::Block, "sda", 8, 0)
                    .fifo("etc/passwd")
                    .edited(EntryType::Regular, "su", b"x", |header| {
                        header.set_mode(0o6755)
                    })
            },
            &[
                "d755 etc",
                "p644 etc/passwd",
                "c644 mem 0x101",
                "b644 sda 0x800",
                "f6755 su \"x\"",
            ],
        );
    }

    #[test]
    fn a_mode_with_type_bits_is_no_other_type() {
        contained(
            &[],
            |_| {
                tar().edited(EntryType::Regular, "a", b"x", |header| {
                    header.set_mode(0o120_644)
                })
            },
            &["f644 a \"x\""],
        );
    }
}

mod t12_names_twice {
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
}
