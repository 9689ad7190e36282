//! Commits against the kernel itself: what the mounted overlay showed last is what the chain shows.

mod random;
mod shown;
mod unpack;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use rustix::fs::{FileType, XattrFlags};

use self::shown::Tree;
use self::unpack::{mknod, unpack};
use crate::chain::Chain;
use crate::layer::{Metadata, NodeKind, Timestamp, Xattr};
use crate::store::{ActiveSnapshot, SnapshotStore, StoreError};

/// A store, and a mount namespace of this test's own, so that no mount outlives it.
struct Fixture {
    dir: tempfile::TempDir,
    store: SnapshotStore,
}

impl Fixture {
    fn new() -> Self {
        unshare(CloneFlags::CLONE_NEWNS).unwrap();
        let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, flags, None::<&str>).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let store = SnapshotStore::open(&dir.path().join("store")).unwrap();
        Self { dir, store }
    }

    /// Runs a step on the kernel's overlay over a chain and commits it.
    fn step(&self, parent: &Chain, run: impl FnOnce(&Path)) -> Chain {
        let (active, tree) = self.run(parent, |_| {}, run);
        let chain = active.commit(&[]).unwrap();
        assert_same(&shown::chain(&chain), &tree);
        self.assert_nothing_is_left(&chain);
        chain
    }

    /// Runs a step; `view` may add to the lower directory what the chain does not have.
    fn run(
        &self,
        parent: &Chain,
        view: impl FnOnce(&Path),
        run: impl FnOnce(&Path),
    ) -> (ActiveSnapshot, Tree) {
        let active = self.store.prepare(parent).unwrap();
        let lower = tempfile::tempdir_in(self.dir.path()).unwrap();
        unpack(&shown::chain(parent), self.store.blobs(), lower.path());
        view(lower.path());
        let overlay = Overlay::mount(&active, lower.path());
        run(&overlay.0);
        let tree = shown::directory(&overlay.0);
        drop(overlay);
        (active, tree)
    }

    /// After a commit: no scratch, and every blob as it should be.
    fn assert_nothing_is_left(&self, chain: &Chain) {
        self.store.scratch().settle();
        let scratch = self.dir.path().join("store/scratch");
        assert_eq!(fs::read_dir(scratch).unwrap().count(), 0);
        chain
            .layers()
            .iter()
            .for_each(|layer| self.store.verify(layer.id()).unwrap());
        let blobs = self.dir.path().join("store/blobs");
        sh(
            &blobs,
            "test -z \"$(find . -type f ! -perm 0400 -o ! -type f ! -type d)\"",
        );
    }

    /// A chain of one layer with something of everything.
    fn base(&self) -> Chain {
        let mut layer = self.store.new_layer(&Chain::empty()).unwrap();
        let mut put = |path: &str, kind, mode| {
            layer
                .put(Path::new(path), kind, base_metadata(mode))
                .unwrap();
        };
        put("/", NodeKind::Directory, 0o755);
        put("etc", NodeKind::Directory, 0o755);
        put("etc/deep/er", NodeKind::Directory, 0o700);
        put("tmp", NodeKind::Directory, 0o1777);
        put("link", NodeKind::Symlink(b"etc/passwd".to_vec()), 0o777);
        put("null", NodeKind::CharDevice(0x103), 0o666);
        put("fifo", NodeKind::Fifo, 0o600);
        for path in [
            "etc/passwd",
            "etc/group",
            "etc/deep/a",
            "etc/deep/er/b",
            "one",
        ] {
            let blob = self.store.blobs().put(path.as_bytes()).unwrap();
            let size = path.len() as u64;
            put(path, NodeKind::Regular { blob, size }, 0o640);
        }
        layer.link(Path::new("two"), Path::new("one")).unwrap();
        layer.commit().unwrap()
    }
}

fn base_metadata(mode: u32) -> Metadata {
    let xattrs = vec![Xattr {
        name: b"trusted.base".to_vec(),
        value: b"1".to_vec(),
    }];
    let mtime = Timestamp {
        secs: 1_000_000_000,
        nanos: 123_456_789,
    };
    Metadata {
        mode,
        uid: 10,
        gid: 20,
        mtime,
        xattrs,
    }
}

/// A mounted overlay, unmounted when it goes.
struct Overlay(PathBuf);

impl Overlay {
    fn mount(active: &ActiveSnapshot, lower: &Path) -> Self {
        let options = format!(
            "lowerdir={},upperdir={},workdir={},volatile,redirect_dir=on,metacopy=on,xino=on",
            lower.display(),
            active.upper().display(),
            active.work().display(),
        );
        let merged = active.merged();
        let (kind, flags) = (Some("overlay"), MsFlags::empty());
        mount(Some("overlay"), &merged, kind, flags, Some(&*options)).unwrap();
        Self(merged)
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        crate::mount::unmount_when_free(&self.0).unwrap();
    }
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn sh(dir: &Path, script: &str) {
    output(Command::new("sh").current_dir(dir).args(["-euc", script]));
}

/// Compares path by path, so that a difference can be read.
fn assert_same(chain: &Tree, mount: &Tree) {
    let paths = |tree: &Tree| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths(chain), paths(mount));
    for (path, shown) in mount {
        assert_eq!(&chain[path], shown, "{}", path.display());
    }
}

/// The index of the topmost layer.
fn top(chain: &Chain) -> &crate::index::LayerIndex {
    chain.layers().last().unwrap().index()
}

#[test]
fn a_step_that_changes_nothing_gives_the_parent_back() {
    let fixture = Fixture::new();
    let base = fixture.base();
    let same = fixture.step(&base, |root| {
        sh(root, "cat etc/passwd; find . -exec stat {} +");
    });
    assert_eq!(same.tip(), base.tip());
    let scratch = fixture.step(&Chain::empty(), |_| {});
    assert_eq!(scratch.tip(), None);
}

#[test]
fn files_are_added_changed_and_removed() {
    let fixture = Fixture::new();
    let chain = fixture.step(&fixture.base(), |root| {
        sh(
            root,
            "echo new > etc/new; echo more >> etc/passwd; : > etc/group; rm etc/deep/a one",
        );
        sh(
            root,
            "mkdir -p a/b/c; echo x > a/b/c/x; rm link; ln -s elsewhere link; touch empty",
        );
    });
    assert_eq!(chain.layers().len(), 2);
    assert_eq!(
        top(&chain).blobs().len(),
        4,
        "what is unchanged is not stored again"
    );
}

#[test]
fn metadata_changes_copy_no_contents() {
    let fixture = Fixture::new();
    let base = fixture.base();
    let chain = fixture.step(&base, |root| {
        sh(
            root,
            "chown 7:8 etc/passwd; chmod 4755 etc/group; touch -d @5.25 etc/deep/a one",
        );
        rustix::fs::setxattr(root.join("etc"), "user.note", b"n", XattrFlags::empty()).unwrap();
        lchown(root.join("link"), Some(5), Some(6)).unwrap();
    });
    let blobs = |chain: &Chain| top(chain).blobs().to_vec();
    assert!(blobs(&chain).iter().all(|blob| blobs(&base).contains(blob)));
}

#[test]
fn removed_directories_and_what_takes_their_place() {
    let fixture = Fixture::new();
    let chain = fixture.step(&fixture.base(), |root| {
        sh(
            root,
            "rm -r etc/deep; mkdir etc/deep; echo only > etc/deep/only; rm -r tmp; echo f > tmp",
        );
        sh(root, "rm fifo; mkdir fifo; echo x > fifo/x; rm null");
    });
    fixture.step(&chain, |root| {
        sh(root, "rm -r etc; mkdir etc; rm tmp; mkdir -m 1777 tmp");
    });
}

#[test]
fn moved_directories_are_references() {
    let fixture = Fixture::new();
    let moved = fixture.step(&fixture.base(), |root| {
        sh(
            root,
            "mv etc/deep etc/deeper; mv etc settings; mkdir etc; echo new > etc/passwd",
        );
        sh(
            root,
            "echo x >> settings/deeper/a; rm settings/deeper/er/b; mv settings/deeper/er tmp/",
        );
    });
    assert_eq!(top(&moved).blobs().len(), 2);
    let again = fixture.step(&moved, |root| {
        sh(root, "mv settings conf; mkdir settings; mv tmp/er er; mv conf/deeper conf/deepest; rm conf/group");
    });
    fixture.step(&again, |root| {
        sh(
            root,
            "mv conf/deepest conf/deep; rmdir settings; mv conf settings",
        );
    });
}

#[test]
fn a_directory_moved_away_and_back_is_where_it_was() {
    let fixture = Fixture::new();
    fixture.step(&fixture.base(), |root| {
        sh(
            root,
            "mv etc away; mv away etc; echo x > etc/deep/x; mv etc/deep d; mv d etc/deep",
        );
    });
}

#[test]
fn files_of_which_only_metadata_was_copied_can_be_moved_and_linked() {
    let fixture = Fixture::new();
    let base = fixture.base();
    let chain = fixture.step(&base, |root| {
        sh(
            root,
            "chown 9 etc/passwd; mv etc/passwd moved; chmod 600 etc/deep/er/b; mv etc/deep/er e",
        );
        sh(
            root,
            "ln etc/group hard; mv etc/deep/a etc/deep/z; mv e/b e/bb",
        );
    });
    assert!(
        top(&chain)
            .blobs()
            .iter()
            .all(|blob| top(&base).blobs().contains(blob))
    );
}

#[test]
fn hard_links_are_one_inode() {
    let fixture = Fixture::new();
    let chain = fixture.step(&fixture.base(), |root| {
        sh(root, "echo x > x; ln x y; mkdir d; ln y d/z; ln etc/passwd pw; ln -P link link2; mkfifo p; ln p q");
        sh(root, "echo broken >> one");
    });
    fixture.step(&chain, |root| {
        sh(root, "rm x; ln d/z x; echo more >> y; rm -r d");
    });
}

#[test]
fn special_files_and_attributes_survive() {
    let fixture = Fixture::new();
    fixture.step(&fixture.base(), |root| {
        mknod(&root.join("disk"), FileType::BlockDevice, 0x801);
        mknod(&root.join("tty"), FileType::CharacterDevice, 0x500);
        mknod(&root.join("sock"), FileType::Socket, 0);
        sh(
            root,
            "mkfifo pipe; echo x > x; cp x suid; chown 1:2 suid; chmod 6755 suid; chmod 0 x",
        );
        let set = |path: &str, name: &str, value: &[u8]| {
            rustix::fs::setxattr(root.join(path), name, value, XattrFlags::empty()).unwrap();
        };
        // VFS_CAP_REVISION_2 with cap_net_raw, permitted and effective.
        set(
            "x",
            "security.capability",
            &[1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        );
        set("x", "user.long", &[b'v'; 3000]);
        set("etc", "user.dir", b"d");
        // An access control list that lets user 1 read, as setfacl would write it.
        let acl = [
            &[2, 0, 0, 0][..],
            &[1, 0, 6, 0, 255, 255, 255, 255],
            &[2, 0, 4, 0, 1, 0, 0, 0],
            &[4, 0, 4, 0, 255, 255, 255, 255],
            &[16, 0, 4, 0, 255, 255, 255, 255],
            &[32, 0, 0, 0, 255, 255, 255, 255],
        ];
        set("suid", "system.posix_acl_access", &acl.concat());
    });
}

#[test]
fn strange_names_times_and_targets_survive() {
    let fixture = Fixture::new();
    fixture.step(&fixture.base(), |root| {
        let long = "n".repeat(255);
        fs::write(root.join(&long), "long").unwrap();
        fs::write(root.join(".wh.etc"), "no whiteout").unwrap();
        fs::write(root.join(".wh..wh..opq"), "not opaque").unwrap();
        fs::write(root.join(std::ffi::OsStr::new("new\nline \u{fe0f}")), "x").unwrap();
        symlink("t".repeat(4000), root.join("far")).unwrap();
        sh(
            root,
            "touch -d '1901-12-13 20:45:53.5 UTC' old; touch -d '2200-01-01 UTC' future",
        );
        sh(root, "touch -d '1969-12-31 23:59:59.25 UTC' etc");
    });
}

#[test]
fn sparse_files_stay_sparse() {
    let fixture = Fixture::new();
    let chain = fixture.step(&fixture.base(), |root| {
        sh(root, "truncate -s 64M sparse; echo data | dd of=sparse bs=1M seek=32 conv=notrunc status=none");
    });
    let usage = fixture.store.usage(chain.tip().unwrap()).unwrap();
    assert!(usage.own < 100_000, "{usage:?}");
}

#[test]
fn the_root_directory_itself_can_change() {
    let fixture = Fixture::new();
    let chain = fixture.step(&fixture.base(), |root| sh(root, "chmod 700 .; chown 3:4 ."));
    let stat = top(&chain).stat(crate::index::LayerIndex::ROOT);
    assert_eq!((stat.mode & 0o7777, stat.uid, stat.gid), (0o700, 3, 4));
}

#[test]
fn many_files_and_directories_are_stored_by_several_threads() {
    let fixture = Fixture::new();
    let chain = fixture.step(&fixture.base(), |root| {
        sh(root, "for d in $(seq 40); do mkdir -p many/$d; for f in $(seq 25); do echo $d-$f > many/$d/$f; done; done");
        sh(root, "head -c 3000000 /dev/zero | tr '\\0' z > large");
    });
    assert_eq!(top(&chain).blobs().len(), 1001);
}

#[test]
fn mount_points_and_stubs_are_no_change_unless_something_was_put_there() {
    let fixture = Fixture::new();
    let base = fixture.base();
    let stubs = [
        "/run/secrets/token",
        "/mnt/cache",
        "/etc/resolv.conf",
        "/work/bind",
    ]
    .map(Path::new);
    let view = |lower: &Path| {
        let old = "-d @1000000000.123456789";
        sh(
            lower,
            "mkdir -p run/secrets mnt/cache work/bind; : > run/secrets/token; : > etc/resolv.conf",
        );
        sh(lower, &format!("touch {old} etc ."));
    };
    let touch_stubs =
        "chown 5 run run/secrets etc/resolv.conf; chmod 700 mnt/cache; touch run/x; rm run/x";
    let (active, _) = fixture.run(&base, view, |root| {
        sh(root, touch_stubs);
        sh(root, "rm run/secrets/token; rmdir mnt/cache");
    });
    assert_eq!(active.commit(&stubs).unwrap().tip(), base.tip());

    let (active, _) = fixture.run(&base, view, |root| {
        sh(root, "echo kept > work/kept; echo x > etc/resolv.conf");
    });
    let chain = active.commit(&stubs).unwrap();
    let tree = shown::chain(&chain);
    let added: Vec<_> = tree
        .keys()
        .filter(|path| !shown::chain(&base).contains_key(*path))
        .collect();
    assert_eq!(
        added,
        ["/etc/resolv.conf", "/work", "/work/kept"]
            .map(Path::new)
            .each_ref()
    );
}

#[test]
fn marks_that_lead_nowhere_are_refused_by_name() {
    let fixture = Fixture::new();
    let refuse = |path: &str, name: &str, value: &[u8]| {
        let active = fixture.store.prepare(&fixture.base()).unwrap();
        let real = active.upper().join(path);
        if path.ends_with("dir") {
            fs::create_dir(&real).unwrap();
        } else {
            fs::write(&real, "").unwrap();
        }
        rustix::fs::setxattr(&real, name, value, XattrFlags::empty()).unwrap();
        active.commit(&[]).unwrap_err()
    };
    let error = refuse("dir", "trusted.overlay.redirect", b"/no/where");
    assert!(
        matches!(&error, StoreError::Upper { path, .. } if path == Path::new("/dir")),
        "{error:?}"
    );
    let error = refuse("file", "trusted.overlay.metacopy", b"");
    assert_eq!(error.to_string(), "cannot commit /file");
}

#[test]
fn whiteouts_by_attribute_count_too() {
    let fixture = Fixture::new();
    let active = fixture.store.prepare(&fixture.base()).unwrap();
    let set = |path: &Path, name: &str, value: &[u8]| {
        rustix::fs::setxattr(path, name, value, XattrFlags::empty()).unwrap();
    };
    fs::create_dir(active.upper().join("etc")).unwrap();
    fs::write(active.upper().join("etc/passwd"), "").unwrap();
    set(&active.upper().join("etc"), "trusted.overlay.opaque", b"x");
    set(
        &active.upper().join("etc/passwd"),
        "trusted.overlay.whiteout",
        b"",
    );
    let tree = shown::chain(&active.commit(&[]).unwrap());
    assert!(!tree.contains_key(Path::new("/etc/passwd")));
    assert!(tree.contains_key(Path::new("/etc/group")));
}

#[test]
fn an_upper_of_any_depth_is_removed_and_one_too_deep_is_refused() {
    let fixture = Fixture::new();
    let active = fixture.store.prepare(&Chain::empty()).unwrap();
    let mut dir = rustix::fs::open(
        active.upper(),
        rustix::fs::OFlags::RDONLY,
        rustix::fs::Mode::empty(),
    )
    .unwrap();
    for _ in 0..1500 {
        rustix::fs::mkdirat(&dir, "d", rustix::fs::Mode::RWXU).unwrap();
        dir = crate::dirfd::open_dir(&dir, "d".as_ref()).unwrap();
    }
    drop(dir);
    let scratch = active.dir();
    let error = active.commit(&[]).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "it lies more than 512 directories deep");
    fixture.store.scratch().settle();
    assert!(!scratch.exists());
}

#[test]
fn nothing_of_a_dropped_step_remains() {
    let fixture = Fixture::new();
    let (active, _) = fixture.run(
        &fixture.base(),
        |_| {},
        |root| sh(root, "echo x > x; mkdir -m 0 d"),
    );
    let dir = active.dir();
    assert_eq!(fs::metadata(&dir).unwrap().mode() & 0o777, 0o700);
    fs::set_permissions(active.upper(), fs::Permissions::from_mode(0o000)).unwrap();
    drop(active);
    fixture.store.scratch().settle();
    assert!(!dir.exists());
}
