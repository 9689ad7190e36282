//! What a step's mounts show, and what is left of them.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use iechor_executor::{Access, MountSource, Secret, StepMount, StepOutcome, StepSpec, User};
use tempfile::TempDir;

use crate::rootfs::Rootfs;
use crate::step::{bind, mount, run, shell, text};

crate::tests![
    a_secret_is_readable_by_its_owner_alone,
    a_secret_is_gone_afterwards,
    a_secret_is_on_a_frozen_file_system_of_memory,
    a_secret_in_a_tmpfs,
    a_file_has_its_contents_and_mode,
    a_tmpfs_has_its_size_and_mode,
    a_cache_keeps_what_is_written,
    a_cache_honours_no_set_user_id,
    a_read_only_directory_cannot_be_written,
    discarded_writes_reach_nobody,
    a_discarded_file_leaves_its_source,
    a_discard_source_keeps_owner_and_mode,
    a_discard_source_may_have_any_name,
    a_single_file_is_bound,
    mounts_inside_mounts_are_made_there,
    later_mounts_cover_earlier_ones,
    every_mount_is_confined,
    mounts_of_the_source_stay_outside,
    the_rootfs_sees_no_trace_of_mounts,
    an_overlay_rootfs_is_free_at_once,
];

fn with_mounts(rootfs: &Rootfs, script: &str, mounts: Vec<StepMount>) -> StepSpec {
    StepSpec {
        mounts,
        ..shell(rootfs, script)
    }
}

fn secret(target: &str, value: &str) -> StepMount {
    let value = Secret::new(value.into());
    mount(
        target,
        MountSource::Secret {
            value,
            mode: 0o400,
            uid: 1000,
            gid: 1000,
        },
    )
}

fn a_secret_is_readable_by_its_owner_alone() {
    let rootfs = Rootfs::new();
    let script = "cat /run/secrets/token; stat -c ' %a %u %g' /run/secrets/token";
    let mut step = with_mounts(
        &rootfs,
        script,
        vec![secret("/run/secrets/token", "s3cr3t\n")],
    );
    step.user = User {
        uid: 1000,
        gid: 1000,
        groups: vec![],
    };
    assert_eq!(text(&step), "s3cr3t\n 400 1000 1000");
    step.user.uid = 1001;
    let (outcome, output) = run(&step);
    assert_eq!(outcome, StepOutcome::Exited(0));
    assert_eq!(output.text(), " 400 1000 1000");
    assert!(String::from_utf8_lossy(&output.stderr).contains("Permission denied"));
}

fn a_secret_is_gone_afterwards() {
    let rootfs = Rootfs::new();
    let mounts = || {
        vec![
            mount(
                "/tmp",
                MountSource::Tmpfs {
                    size: None,
                    mode: 0o1777,
                },
            ),
            secret("/run/secrets/token", "canary-5301"),
            secret("/tmp/x/y", "canary-5302"),
        ]
    };
    for (script, code) in [
        ("cat /run/secrets/token", 0),
        ("cat /run/secrets/token; exit 3", 3),
    ] {
        let (outcome, output) = run(&with_mounts(&rootfs, script, mounts()));
        assert_eq!(outcome, StepOutcome::Exited(code));
        assert_eq!(output.text(), "canary-5301");
    }
    assert_eq!(
        fs::read_to_string(rootfs.path("run/secrets/token")).unwrap(),
        ""
    );
    let found = std::process::Command::new("grep")
        .args(["-rl", "canary-530"])
        .arg(rootfs.root())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(found.stdout).unwrap(), "");
}

fn a_secret_is_on_a_frozen_file_system_of_memory() {
    let rootfs = Rootfs::new();
    let script = "grep ' /run/secrets/token ' /proc/self/mountinfo; echo x >/run/secrets/token";
    let (outcome, output) = run(&with_mounts(
        &rootfs,
        script,
        vec![secret("/run/secrets/token", "x")],
    ));
    assert_eq!(outcome, StepOutcome::Exited(1));
    let line = output.text();
    assert!(line.contains(" ro,nosuid,nodev,noexec"), "{line}");
    let unswappable = line.contains("noswap") || line.contains(" - ramfs ");
    assert!(unswappable, "{line}");
}

fn a_secret_in_a_tmpfs() {
    let rootfs = Rootfs::new();
    let tmpfs = mount(
        "/mnt/a",
        MountSource::Tmpfs {
            size: None,
            mode: 0o755,
        },
    );
    let mounts = vec![tmpfs, secret("/mnt/a/keys/id", "key")];
    assert_eq!(
        text(&with_mounts(&rootfs, "cat /mnt/a/keys/id", mounts)),
        "key"
    );
    assert!(!rootfs.path("mnt/a/keys").exists());
}

fn a_file_has_its_contents_and_mode() {
    let rootfs = Rootfs::new();
    let contents = b"#!/bin/sh\necho run $0\n".to_vec();
    let file = MountSource::File {
        contents,
        mode: 0o755,
    };
    let script = "/etc/hosts; stat -c %a /etc/hosts; echo x >/etc/hosts || echo kept";
    let step = with_mounts(&rootfs, script, vec![mount("/etc/hosts", file)]);
    assert_eq!(text(&step), "run /etc/hosts\n755\nkept");
    assert_eq!(fs::read_to_string(rootfs.path("etc/hosts")).unwrap(), "");
}

fn a_tmpfs_has_its_size_and_mode() {
    let rootfs = Rootfs::new();
    let tmpfs = MountSource::Tmpfs {
        size: Some(1 << 20),
        mode: 0o1770,
    };
    let script = "stat -c %a /mnt/a; dd if=/dev/zero of=/mnt/a/big bs=4096 2>/dev/null; \
                  stat -c %s /mnt/a/big";
    let step = with_mounts(&rootfs, script, vec![mount("/mnt/a", tmpfs)]);
    assert_eq!(text(&step), "1770\n1048576");
}

fn a_cache_keeps_what_is_written() {
    let (rootfs, cache) = (Rootfs::new(), TempDir::new().unwrap());
    let script = "cat /mnt/a/n 2>/dev/null; echo $$ >>/mnt/a/n; mkdir -p /mnt/a/d/e";
    for expect in ["", "2"] {
        let mounts = vec![mount("/mnt/a", bind(cache.path(), Access::ReadWrite))];
        assert_eq!(text(&with_mounts(&rootfs, script, mounts)), expect);
    }
    assert!(cache.path().join("d/e").is_dir());
    assert!(!rootfs.path("mnt/a/n").exists());
}

fn a_cache_honours_no_set_user_id() {
    let (rootfs, cache) = (Rootfs::new(), TempDir::new().unwrap());
    fs::set_permissions(cache.path(), Permissions::from_mode(0o755)).unwrap();
    let script = "cp /usr/bin/id /mnt/a/id; chmod 4755 /mnt/a/id; ls -l /mnt/a/id | cut -c 4";
    fs::copy("/usr/bin/id", rootfs.path("usr/bin/id")).unwrap();
    let mounts = || {
        vec![
            mount("/usr/lib", bind("/usr/lib", Access::ReadOnly)),
            mount("/usr/lib64", bind("/usr/lib64", Access::ReadOnly)),
            mount("/mnt/a", bind(cache.path(), Access::ReadWrite)),
        ]
    };
    assert_eq!(text(&with_mounts(&rootfs, script, mounts())), "s");
    let mut step = with_mounts(&rootfs, "/mnt/a/id -u", mounts());
    step.user = User {
        uid: 1000,
        gid: 1000,
        groups: vec![],
    };
    assert_eq!(text(&step), "1000");
}

fn a_read_only_directory_cannot_be_written() {
    let (rootfs, source) = (Rootfs::new(), TempDir::new().unwrap());
    fs::write(source.path().join("file"), "contents").unwrap();
    let script = "cat /mnt/a/file; for f in file other; do \
                  (echo x >/mnt/a/$f) 2>/dev/null && echo wrote; done; true";
    let mounts = vec![mount("/mnt/a", bind(source.path(), Access::ReadOnly))];
    assert_eq!(text(&with_mounts(&rootfs, script, mounts)), "contents");
}

fn discarded_writes_reach_nobody() {
    let (rootfs, source) = (Rootfs::new(), TempDir::new().unwrap());
    fs::write(source.path().join("kept"), "old").unwrap();
    fs::create_dir(source.path().join("dir")).unwrap();
    let script = "cat /mnt/a/kept; echo new >/mnt/a/kept; rm -r /mnt/a/dir; echo x >/mnt/a/more; \
                  cat /mnt/a/kept; ls /mnt/a";
    for _ in 0..2 {
        let mounts = vec![mount("/mnt/a", bind(source.path(), Access::Discard))];
        assert_eq!(
            text(&with_mounts(&rootfs, script, mounts)),
            "oldnew\nkept\nmore"
        );
    }
    assert_eq!(
        fs::read_to_string(source.path().join("kept")).unwrap(),
        "old"
    );
    assert!(source.path().join("dir").is_dir() && !source.path().join("more").exists());
}

fn a_discarded_file_leaves_its_source() {
    let (rootfs, source) = (Rootfs::new(), TempDir::new().unwrap());
    let file = source.path().join("config");
    fs::write(&file, "old").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    chown(&file, Some(5), Some(6)).unwrap();
    let script =
        "stat -c '%a %u %g' /etc/hosts; cat /etc/hosts; echo new >/etc/hosts; cat /etc/hosts";
    let mounts = vec![mount("/etc/hosts", bind(&file, Access::Discard))];
    assert_eq!(
        text(&with_mounts(&rootfs, script, mounts)),
        "640 5 6\noldnew"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "old");
}

fn a_discard_source_keeps_owner_and_mode() {
    let (rootfs, source) = (Rootfs::new(), TempDir::new().unwrap());
    fs::set_permissions(source.path(), Permissions::from_mode(0o2751)).unwrap();
    chown(source.path(), Some(7), Some(8)).unwrap();
    fs::set_permissions(source.path(), Permissions::from_mode(0o2751)).unwrap();
    let mounts = vec![mount("/mnt/a", bind(source.path(), Access::Discard))];
    assert_eq!(
        text(&with_mounts(&rootfs, "stat -c '%a %u %g' /mnt/a", mounts)),
        "2751 7 8"
    );
}

fn a_discard_source_may_have_any_name() {
    let (rootfs, parent) = (Rootfs::new(), TempDir::new().unwrap());
    let source = parent.path().join("a:b,c\\d e\nf");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("file"), "found").unwrap();
    let mounts = vec![mount("/mnt/a", bind(&source, Access::Discard))];
    assert_eq!(
        text(&with_mounts(
            &rootfs,
            "cat /mnt/a/file; rm /mnt/a/file",
            mounts
        )),
        "found"
    );
    assert!(source.join("file").exists());
}

fn a_single_file_is_bound() {
    let (rootfs, source) = (Rootfs::new(), TempDir::new().unwrap());
    let file = source.path().join("file");
    fs::write(&file, "before").unwrap();
    let mounts = vec![mount("/etc/hosts", bind(&file, Access::ReadWrite))];
    assert_eq!(
        text(&with_mounts(
            &rootfs,
            "cat /etc/hosts; echo after >/etc/hosts",
            mounts
        )),
        "before"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "after\n");
}

fn mounts_inside_mounts_are_made_there() {
    let (rootfs, cache) = (Rootfs::new(), TempDir::new().unwrap());
    let mounts = vec![
        mount("/mnt/a", bind(cache.path(), Access::ReadWrite)),
        mount(
            "/mnt/a/x/y",
            MountSource::Tmpfs {
                size: None,
                mode: 0o755,
            },
        ),
        mount(
            "/dev/shm/s",
            MountSource::Tmpfs {
                size: None,
                mode: 0o700,
            },
        ),
    ];
    let script = "echo 1 >/mnt/a/x/y/file; echo 2 >/mnt/a/x/other; stat -c %a /dev/shm/s";
    assert_eq!(text(&with_mounts(&rootfs, script, mounts)), "700");
    assert!(cache.path().join("x/other").exists());
    assert_eq!(fs::read_dir(cache.path().join("x/y")).unwrap().count(), 0);
    assert_eq!(
        fs::metadata(cache.path().join("x/y")).unwrap().mode() & 0o7777,
        0o755
    );
}

fn later_mounts_cover_earlier_ones() {
    let (rootfs, source) = (Rootfs::new(), TempDir::new().unwrap());
    fs::write(source.path().join("file"), "below").unwrap();
    let mounts = vec![
        mount("/mnt/a", bind(source.path(), Access::ReadOnly)),
        mount(
            "/mnt/a",
            MountSource::Tmpfs {
                size: None,
                mode: 0o755,
            },
        ),
    ];
    assert_eq!(text(&with_mounts(&rootfs, "ls -A /mnt/a", mounts)), "");
}

fn every_mount_is_confined() {
    let (rootfs, source) = (Rootfs::new(), TempDir::new().unwrap());
    let contents = vec![];
    let mounts = vec![
        mount("/mnt/a", bind(source.path(), Access::ReadWrite)),
        mount("/mnt/b", bind(source.path(), Access::Discard)),
        mount(
            "/tmp",
            MountSource::Tmpfs {
                size: None,
                mode: 0o1777,
            },
        ),
        mount(
            "/etc/hosts",
            MountSource::File {
                contents,
                mode: 0o644,
            },
        ),
        secret("/run/secrets/token", "x"),
    ];
    let targets = [
        "/mnt/a",
        "/mnt/b",
        "/tmp",
        "/etc/hosts",
        "/run/secrets/token",
    ];
    let table = text(&with_mounts(&rootfs, "cat /proc/self/mountinfo", mounts));
    for target in targets {
        let line = table
            .lines()
            .find(|line| line.split(' ').nth(4) == Some(target))
            .unwrap();
        assert!(line.contains("nosuid,nodev"), "{line}");
    }
}

/// Unmounts when dropped.
struct Mounted<'a>(&'a Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        rustix::mount::unmount(self.0, rustix::mount::UnmountFlags::empty()).unwrap();
    }
}

fn mounts_of_the_source_stay_outside() {
    let (rootfs, source) = (Rootfs::new(), TempDir::new().unwrap());
    let below = source.path().join("below");
    fs::create_dir(&below).unwrap();
    let flags = rustix::mount::MountFlags::empty();
    rustix::mount::mount("tmpfs", &below, "tmpfs", flags, None).unwrap();
    let _mounted = Mounted(&below);
    fs::write(below.join("file"), "").unwrap();
    let mounts = vec![mount("/mnt/a", bind(source.path(), Access::ReadOnly))];
    assert_eq!(
        text(&with_mounts(&rootfs, "ls -A /mnt/a/below", mounts)),
        ""
    );
}

fn the_rootfs_sees_no_trace_of_mounts() {
    let rootfs = Rootfs::new();
    let list = || {
        let listing = std::process::Command::new("find")
            .arg(rootfs.root())
            .output()
            .unwrap();
        String::from_utf8(listing.stdout).unwrap()
    };
    let before = list();
    let mounts = vec![
        mount(
            "/tmp",
            MountSource::Tmpfs {
                size: None,
                mode: 0o1777,
            },
        ),
        mount(
            "/tmp/deep/er",
            MountSource::Tmpfs {
                size: None,
                mode: 0o755,
            },
        ),
        secret("/tmp/token", "x"),
    ];
    text(&with_mounts(
        &rootfs,
        "touch /tmp/a /dev/shm/b /tmp/deep/er/c",
        mounts,
    ));
    assert_eq!(list(), before);
}

/// What the builder does with a step's upper directory needs every user of the mount to be gone.
fn an_overlay_rootfs_is_free_at_once() {
    let (rootfs, scratch) = (Rootfs::new(), TempDir::new().unwrap());
    let [upper, work, merged] = ["upper", "work", "merged"].map(|name| scratch.path().join(name));
    for directory in [&upper, &work, &merged] {
        fs::create_dir(directory).unwrap();
    }
    let layers = [
        ("lowerdir", rootfs.root()),
        ("upperdir", &upper),
        ("workdir", &work),
    ];
    let options = layers
        .map(|(name, path)| format!("{name}={}", path.display()))
        .join(",");
    for _ in 0..10 {
        let options = std::ffi::CString::new(options.as_str()).unwrap();
        let flags = rustix::mount::MountFlags::empty();
        rustix::mount::mount("overlay", &merged, "overlay", flags, &*options).unwrap();
        let mounted = Mounted(&merged);
        let script =
            "(while :; do date >>/late; done) & echo $PPID >/new; rm -f /bin/vi; sleep 0.05";
        let step = StepSpec {
            rootfs: merged.clone(),
            ..shell(&rootfs, script)
        };
        assert_eq!(run(&step).0, StepOutcome::Exited(0));
        // Panics if the mount is still in use.
        drop(mounted);
        assert_eq!(fs::read_to_string(upper.join("new")).unwrap(), "1\n");
        let late = fs::read(upper.join("late")).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert_eq!(fs::read(upper.join("late")).unwrap(), late);
    }
}
