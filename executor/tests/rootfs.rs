//! A root file system of busybox alone.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// What the virtual entries of a served chain would be, and a few places to mount on.
const DIRECTORIES: [&str; 14] = [
    "bin",
    "dev",
    "etc",
    "home/user",
    "mnt/a",
    "mnt/b",
    "proc",
    "root",
    "run/secrets",
    "sys",
    "tmp",
    "usr/bin",
    "usr/lib",
    "usr/lib64",
];

/// A root file system in a temporary directory.
pub(crate) struct Rootfs {
    directory: TempDir,
}

impl Rootfs {
    /// Makes one.
    pub(crate) fn new() -> Self {
        let rootfs = Self {
            directory: TempDir::new().unwrap(),
        };
        DIRECTORIES
            .iter()
            .for_each(|name| fs::create_dir_all(rootfs.path(name)).unwrap());
        fs::set_permissions(rootfs.path("tmp"), fs::Permissions::from_mode(0o1777)).unwrap();
        fs::set_permissions(rootfs.path(""), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(rootfs.path("run/secrets/token"), "").unwrap();
        fs::write(rootfs.path("etc/hosts"), "").unwrap();
        symlink("usr/lib", rootfs.path("lib")).unwrap();
        symlink("usr/lib64", rootfs.path("lib64")).unwrap();
        rootfs.install_busybox();
        rootfs
    }

    /// Where a path inside is outside.
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.directory.path().join(inside.trim_start_matches('/'))
    }

    /// Its directory.
    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    /// Puts an executable text in.
    pub(crate) fn script(&self, inside: &str, text: &str) {
        fs::write(self.path(inside), text).unwrap();
        fs::set_permissions(self.path(inside), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn install_busybox(&self) {
        fs::copy("/bin/busybox", self.path("bin/busybox")).expect("busybox-static is installed");
        let applets = Command::new("/bin/busybox").arg("--list").output().unwrap();
        for applet in String::from_utf8(applets.stdout).unwrap().lines() {
            if applet != "busybox" {
                symlink("busybox", self.path(&format!("bin/{applet}"))).unwrap();
            }
        }
    }
}
