//! The kernel's overlay on a view: what a step can do to its root, and what is left of it.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use iechor_snapshotter::chainfs::{VirtualEntry, VirtualKind};
use iechor_snapshotter::fuse::{FuseSession, View};
use iechor_snapshotter::mount::{self, MountError, MountKind, OverlayMount};
use iechor_snapshotter::store::ActiveSnapshot;
use iechor_snapshotter::tree::{Follow, Tree};
use iechor_snapshotter::{Chain, Metadata, NodeKind};
use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
use rustix::io::Errno;

use crate::fixture::{Lab, Layer, xattr};
use crate::tree::told;

/// A step on a chain: its root is mounted.
struct Step {
    active: ActiveSnapshot,
    overlay: OverlayMount,
    view: View,
}

impl Step {
    fn new(lab: &Lab, session: &FuseSession, chain: &Chain, stubs: &[VirtualEntry]) -> Self {
        let view = session.add_view(chain, stubs).unwrap();
        let active = lab.store.prepare(chain).unwrap();
        let overlay = OverlayMount::new(
            view.path(),
            &active.upper(),
            &active.work(),
            &active.merged(),
        );
        Self {
            active,
            overlay: overlay.unwrap(),
            view,
        }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.overlay.path().join(path)
    }

    /// Ends the step, and gives the chain with what it changed.
    fn commit(self) -> Chain {
        self.overlay.unmount().unwrap();
        let added = self.view.added_paths();
        let added: Vec<_> = added.iter().map(PathBuf::as_path).collect();
        self.active.commit(&added).unwrap()
    }
}

fn base(layer: &mut Layer) {
    layer
        .file("d/a", b"aaa")
        .file("d/b", b"bbb")
        .link("d/c", "d/b")
        .file("d/sub/deep", b"deep");
    layer
        .file("big", &vec![1; 1 << 20])
        .symlink("link", "d/a")
        .dir("empty");
}

/// Runs something as a step on the base, and gives a tree of the result.
fn step(lab: &Lab, run: impl FnOnce(&Step)) -> Tree {
    let chain = lab.base(base);
    let session = lab.session();
    let step = Step::new(lab, &session, &chain, &[]);
    run(&step);
    let chain = step.commit();
    assert_eq!(session.faults().count(), 0);
    session.stop().unwrap();
    Tree::new(&chain, lab.store.blobs())
}

fn read(tree: &Tree, path: &str) -> Option<Vec<u8>> {
    tree.read(Path::new(path), u64::MAX).unwrap()
}

/// The kernel copies between two file systems only where both are of one type that can.
#[test]
fn the_kernel_copies_nothing_from_a_file_below_but_programs_do() {
    let lab = Lab::new();
    let tree = step(&lab, |step| {
        let copy = |name: &str| {
            let from = File::open(step.at("d/a")).unwrap();
            let to = File::create(step.at(name)).unwrap();
            rustix::fs::copy_file_range(from, None, to, None, 3)
        };
        assert_eq!(copy("early"), Err(Errno::XDEV));
        assert_eq!(fs::copy(step.at("d/a"), step.at("early")).unwrap(), 3);
        File::options().append(true).open(step.at("d/a")).unwrap();
        assert_eq!(copy("late"), Ok(3), "copied up");
    });
    assert_eq!(read(&tree, "early").unwrap(), b"aaa");
    assert_eq!(read(&tree, "late").unwrap(), b"aaa");
}

#[test]
fn a_file_below_has_no_flags_and_is_copied_up_for_some() {
    let lab = Lab::new();
    let tree = step(&lab, |step| {
        let file = File::open(step.at("d/a")).unwrap();
        assert_eq!(ioctl_getflags(&file), Ok(IFlags::empty()));
        ioctl_setflags(&file, IFlags::NODUMP).unwrap();
        assert_eq!(ioctl_getflags(&file), Ok(IFlags::NODUMP));
        let directory = File::open(step.at("empty")).unwrap();
        assert_eq!(ioctl_getflags(&directory), Ok(IFlags::empty()));
    });
    assert_eq!(read(&tree, "d/a").unwrap(), b"aaa");
}

#[test]
fn a_file_below_was_changed_and_read_when_it_was_modified() {
    let lab = Lab::new();
    step(&lab, |step| {
        let told = fs::metadata(step.at("d/a")).unwrap();
        let modified = (told.mtime(), told.mtime_nsec());
        assert_eq!((told.ctime(), told.ctime_nsec()), modified);
        assert_eq!((told.atime(), told.atime_nsec()), modified);
    });
}

#[test]
fn a_written_file_is_copied_up_with_everything_it_has() {
    let lab = Lab::new();
    let chain = lab.base(|layer| {
        let xattrs = vec![xattr("user.k", b"v")];
        let kind = layer.contents(b"before");
        let metadata = Metadata {
            mode: 0o640,
            uid: 3,
            gid: 4,
            xattrs,
            ..Metadata::default()
        };
        layer.put_with("f", kind, metadata);
    });
    let session = lab.session();
    let step = Step::new(&lab, &session, &chain, &[]);
    let before = fs::metadata(step.at("f")).unwrap().ino();
    File::options()
        .append(true)
        .open(step.at("f"))
        .unwrap()
        .write_all(b"+after")
        .unwrap();
    assert_eq!(fs::read(step.at("f")).unwrap(), b"before+after");
    assert_eq!(
        fs::metadata(step.at("f")).unwrap().ino(),
        before,
        "copy-up changed st_ino"
    );
    let tree = Tree::new(&step.commit(), lab.store.blobs());
    assert_eq!(read(&tree, "f").unwrap(), b"before+after");
    let metadata = tree
        .resolve(Path::new("f"), Follow::Last)
        .unwrap()
        .unwrap()
        .metadata();
    assert_eq!((metadata.mode, metadata.uid, metadata.gid), (0o640, 3, 4));
    assert_eq!(metadata.xattrs, [xattr("user.k", b"v")]);
}

/// Overlayfs remembers where a copy came from, and asks again when it has forgotten the rest.
#[test]
fn what_a_step_changed_stays_when_memory_was_short() {
    let lab = Lab::new();
    step(&lab, |step| {
        fs::write(step.at("d/a"), b"new").unwrap();
        fs::set_permissions(step.at("d/b"), Permissions::from_mode(0o600)).unwrap();
        fs::rename(step.at("d"), step.at("moved")).unwrap();
        fs::rename(step.at("link"), step.at("moved/link")).unwrap();
        for _ in 0..2 {
            drop_names();
            // The first look finds it anew, the second one what the first one found.
            for _ in 0..2 {
                assert_eq!(fs::read(step.at("moved/a")).unwrap(), b"new");
                assert_eq!(fs::read(step.at("moved/c")).unwrap(), b"bbb");
                assert_eq!(fs::read(step.at("moved/sub/deep")).unwrap(), b"deep");
                assert_eq!(
                    fs::read_link(step.at("moved/link")).unwrap(),
                    Path::new("d/a")
                );
                assert_eq!(fs::read_dir(step.at("moved")).unwrap().count(), 5);
            }
        }
    });
}

/// Makes the kernel forget all names and inodes that nobody uses, as it does for want of memory.
fn drop_names() {
    fs::write("/proc/sys/vm/drop_caches", "2").unwrap();
}

#[test]
fn a_moved_directory_is_told_as_a_whole_tree() {
    let lab = Lab::new();
    let tree = step(&lab, |step| {
        fs::rename(step.at("d"), step.at("moved")).unwrap();
        fs::remove_file(step.at("moved/a")).unwrap();
        fs::write(step.at("moved/new"), b"new").unwrap();
        assert_eq!(fs::read(step.at("moved/sub/deep")).unwrap(), b"deep");
    });
    assert_eq!(read(&tree, "moved/sub/deep").unwrap(), b"deep");
    assert_eq!(read(&tree, "d/b"), None);
    assert_eq!(
        told(&tree),
        [
            "- d",
            "+ moved",
            "+ moved/b",
            "+ moved/c",
            "+ moved/new",
            "+ moved/sub",
            "+ moved/sub/deep",
        ]
    );
    let id = |path: &str| {
        tree.resolve(Path::new(path), Follow::Last)
            .unwrap()
            .unwrap()
            .id()
    };
    assert_eq!(
        id("moved/b"),
        id("moved/c"),
        "hard links of a moved directory"
    );
}

#[test]
fn a_directory_moved_over_another_hides_it() {
    let lab = Lab::new();
    let tree = step(&lab, |step| {
        fs::remove_dir_all(step.at("d/sub")).unwrap();
        fs::rename(step.at("empty"), step.at("d/sub")).unwrap();
        fs::write(step.at("d/sub/x"), b"x").unwrap();
    });
    assert_eq!(read(&tree, "d/sub/deep"), None);
    let changes = told(&tree);
    assert!(changes.contains(&"! d/sub".to_owned()), "{changes:?}");
    assert!(changes.contains(&"- empty".to_owned()), "{changes:?}");
}

#[test]
fn removed_and_recreated_directories_are_empty() {
    let lab = Lab::new();
    let tree = step(&lab, |step| {
        fs::remove_dir_all(step.at("d")).unwrap();
        fs::create_dir(step.at("d")).unwrap();
        fs::write(step.at("d/only"), b"only").unwrap();
        fs::remove_file(step.at("link")).unwrap();
    });
    assert_eq!(read(&tree, "d/a"), None);
    assert_eq!(read(&tree, "d/only").unwrap(), b"only");
    assert_eq!(told(&tree), ["+ d", "! d", "+ d/only", "- link"]);
}

#[test]
fn changed_metadata_copies_no_contents() {
    let lab = Lab::new();
    let tree = step(&lab, |step| {
        fs::set_permissions(step.at("big"), Permissions::from_mode(0o400)).unwrap();
        std::os::unix::fs::chown(step.at("d/a"), Some(9), None).unwrap();
        let upper = fs::metadata(step.active.upper().join("big")).unwrap();
        assert!(
            upper.blocks() < 100,
            "{} blocks were copied",
            upper.blocks()
        );
        assert_eq!(fs::read(step.at("big")).unwrap().len(), 1 << 20);
    });
    assert_eq!(read(&tree, "big").unwrap().len(), 1 << 20);
    let node = tree
        .resolve(Path::new("big"), Follow::Last)
        .unwrap()
        .unwrap();
    assert_eq!(node.metadata().mode, 0o400);
}

#[test]
fn hard_links_are_made_and_broken_as_overlayfs_does() {
    let lab = Lab::new();
    let tree = step(&lab, |step| {
        fs::hard_link(step.at("d/a"), step.at("linked")).unwrap();
        fs::write(step.at("linked"), b"both").unwrap();
        assert_eq!(fs::read(step.at("d/a")).unwrap(), b"both");
        assert_eq!(fs::metadata(step.at("d/b")).unwrap().nlink(), 2);
    });
    assert_eq!(read(&tree, "d/a").unwrap(), b"both");
    assert_eq!(read(&tree, "linked").unwrap(), b"both");
}

#[test]
fn a_mapped_file_and_an_open_one_stay_readable_through_copy_up() {
    let lab = Lab::new();
    step(&lab, |step| {
        let open = File::open(step.at("big")).unwrap();
        let mut start = [0; 4];
        open.read_exact_at(&mut start, 0).unwrap();
        File::options()
            .write(true)
            .open(step.at("big"))
            .unwrap()
            .write_all(&[9; 4096])
            .unwrap();
        let mut end = [0; 4];
        open.read_exact_at(&mut end, (1 << 20) - 4).unwrap();
        assert_eq!((start, end), ([1; 4], [1; 4]));
        // An executable is mapped: the kernel pages it in from the overlay.
        fs::copy("/bin/true", step.at("true")).unwrap();
        assert!(Command::new(step.at("true")).status().unwrap().success());
    });
}

#[test]
fn special_files_are_records_and_open_nowhere() {
    let lab = Lab::new();
    let tree = step(&lab, |step| {
        let made = Command::new("mknod")
            .arg(step.at("null"))
            .args(["c", "1", "3"])
            .status();
        assert!(made.unwrap().success());
        let error = fs::read(step.at("null")).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
    });
    let node = tree
        .resolve(Path::new("null"), Follow::Last)
        .unwrap()
        .unwrap();
    assert_eq!(node.kind(), NodeKind::CharDevice(0x103));
}

#[test]
fn virtual_entries_leave_no_trace_in_the_snapshot() {
    let lab = Lab::new();
    let chain = lab.base(base);
    let session = lab.session();
    let stubs = [
        VirtualEntry {
            path: "/run/secrets/key".into(),
            kind: VirtualKind::File,
        },
        VirtualEntry {
            path: "/proc".into(),
            kind: VirtualKind::Directory,
        },
    ];
    let step = Step::new(&lab, &session, &chain, &stubs);
    assert!(step.at("run/secrets/key").is_file() && step.at("proc").is_dir());
    assert_eq!(step.commit().tip(), chain.tip());
    let step = Step::new(&lab, &session, &chain, &stubs);
    fs::write(step.at("run/pid"), b"1").unwrap();
    let tree = Tree::new(&step.commit(), lab.store.blobs());
    assert_eq!(told(&tree), ["+ run", "+ run/pid"]);
}

#[test]
fn an_overlay_in_use_cannot_be_committed_and_is_gone() {
    let lab = Lab::new();
    let chain = lab.base(base);
    let session = lab.session();
    let step = Step::new(&lab, &session, &chain, &[]);
    let at = step.overlay.path().to_owned();
    let listed = || {
        mount::mounts()
            .unwrap()
            .into_iter()
            .find(|mount| mount.at == at)
    };
    assert_eq!(listed().unwrap().kind, MountKind::Overlay);
    let file = File::open(step.at("big")).unwrap();
    let error = step.overlay.unmount().unwrap_err();
    assert!(matches!(error, MountError::Unmount { .. }), "{error}");
    assert_eq!(listed(), None);
    drop(file);
}

#[test]
fn an_overlay_without_its_directories_says_which() {
    let lab = Lab::new();
    let dir = |name: &str| lab.make_dir(name);
    let missing = lab.root().join("missing");
    let error = OverlayMount::new(&dir("l"), &missing, &dir("w"), &dir("m")).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
    // Work on another file system than the upper is for the kernel to refuse.
    let error =
        OverlayMount::new(&dir("l"), &dir("u"), Path::new("/dev/shm"), &dir("m")).unwrap_err();
    assert!(
        matches!(
            &error,
            MountError::Refused {
                fs_type: "overlay",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn long_and_odd_paths_can_be_mounted() {
    let lab = Lab::new();
    let odd = format!("{}/a:b,c\\d e", "x".repeat(250));
    let dir = |name: &str| lab.make_dir(&format!("{odd}/{name}"));
    let overlay = OverlayMount::new(&dir("l"), &dir("u"), &dir("w"), &dir("m")).unwrap();
    fs::write(overlay.path().join("f"), b"x").unwrap();
    assert!(
        mount::mounts()
            .unwrap()
            .iter()
            .any(|mount| mount.at == overlay.path())
    );
    overlay.unmount().unwrap();
    assert_eq!(fs::read(dir("u").join("f")).unwrap(), b"x");
}

/// How long it takes to show a chain, to mount an overlay on it and to unmount that.
fn mount_time(lab: &Lab, session: &FuseSession, chain: &Chain) -> Duration {
    let active = lab.store.prepare(chain).unwrap();
    let begun = Instant::now();
    let view = session.add_view(chain, &[]).unwrap();
    let (upper, work, merged) = (active.upper(), active.work(), active.merged());
    let overlay = OverlayMount::new(view.path(), &upper, &work, &merged).unwrap();
    overlay.unmount().unwrap();
    begun.elapsed()
}

#[test]
fn mounting_a_long_chain_takes_no_longer_than_a_short_one() {
    let lab = Lab::new();
    let short = lab.base(base);
    let mut long = short.clone();
    for number in 0..100 {
        long = lab.layer(&long, |layer| _ = layer.file(&format!("n/{number}"), b"x"));
    }
    let session = lab.session();
    // Taken in turns, and the best of each: the machine has other things to do.
    let (mut best_short, mut best_long) = (Duration::MAX, Duration::MAX);
    for _ in 0..20 {
        best_short = best_short.min(mount_time(&lab, &session, &short));
        best_long = best_long.min(mount_time(&lab, &session, &long));
    }
    assert!(
        best_long < best_short * 4,
        "{best_long:?} instead of {best_short:?}"
    );
}

/// What a step may do to a tree, in a shell's words.
const DEEDS: &str = r"
set -e
mv d renamed && mkdir d && echo new > d/file && mv renamed/sub d/moved
ln renamed/a hard && echo more >> hard && ln -s nowhere dangling
rm -r empty && mkdir -m 1777 empty && mknod empty/fifo p
chmod 4711 big && chown 5:6 renamed/b && touch -h -d '1999-12-31 23:59:59.5' link
truncate -s 1M sparse && printf end >> sparse && cp -a --sparse=always sparse copy
mv -T renamed/c d/file && rm hard && echo again > hard
mkdir deep && cd deep && for i in 1 2 3 4 5 6 7 8 9; do mkdir $i && mv ../d ./$i/d && mv ./$i/d ../d; done
cd .. && rmdir deep/1 && mv deep/2 deep/9/2 && find . -name deep -prune -o -type l -print0 | xargs -0 ls -d > listing
";

/// Everything that stat, readlink and read tell of a tree.
fn described(root: &Path) -> String {
    let script = "find . -mindepth 1 -printf '%p %y %m %U %G %s %n %l\\n' | sort
                  find . -type f -print0 | sort -z | xargs -0 sha256sum";
    let output = Command::new("sh")
        .args(["-ec", script])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn do_deeds(root: &Path) {
    let done = Command::new("sh")
        .args(["-c", DEEDS])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

#[test]
fn a_step_fares_as_on_a_plain_directory_and_the_snapshot_shows_what_it_saw() {
    let lab = Lab::new();
    let chain = lab.base(base);
    let session = lab.session();
    let step = Step::new(&lab, &session, &chain, &[]);
    let dir = |name: &str| lab.make_dir(name);
    let copy = Command::new("cp")
        .arg("-aT")
        .arg(step.view.path())
        .arg(dir("plain"))
        .status();
    assert!(copy.unwrap().success());
    let plain = OverlayMount::new(&dir("plain"), &dir("u"), &dir("w"), &dir("m")).unwrap();
    do_deeds(step.overlay.path());
    do_deeds(plain.path());
    let seen = described(step.overlay.path());
    assert_eq!(seen, described(plain.path()));
    let committed = session.add_view(&step.commit(), &[]).unwrap();
    assert_eq!(
        without_counts(&described(committed.path())),
        without_counts(&seen)
    );
    assert_eq!(session.faults().count(), 0);
}

/// A description without sizes and link counts of directories: each file system has its own idea
/// of them.
fn without_counts(described: &str) -> Vec<String> {
    let line = |line: &str| match line.split(' ').collect::<Vec<_>>().as_slice() {
        [path, "d", mode, user, group, ..] => [path, "d", mode, user, group].join(" "),
        _ => line.to_owned(),
    };
    described.lines().map(line).collect()
}
