//! The oracle: plain overlays of the kernel, where the upper of a step is a lower of the next.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, XattrFlags};

use super::ground::Report;
use super::observation::xattrs;

/// The steps so far, as directories that overlayfs takes.
#[derive(Clone)]
pub(super) struct Kernel {
    dir: PathBuf,
    /// Topmost first, as `lowerdir` wants them.
    lowers: Vec<PathBuf>,
    made: Arc<AtomicU32>,
}

impl Kernel {
    pub(super) fn new(dir: &Path) -> Self {
        let nothing = dir.join("nothing");
        fs::create_dir_all(&nothing).unwrap();
        // As the root of `FROM scratch`, whatever umask a machine has left this thread.
        fs::set_permissions(&nothing, fs::Permissions::from_mode(0o755)).unwrap();
        Self {
            dir: dir.to_owned(),
            lowers: vec![nothing],
            made: Arc::default(),
        }
    }

    /// Runs a step; what it changed lies below the next.
    pub(super) fn step(&mut self, run: impl FnOnce(&Path) -> Report) -> Report {
        let step = self
            .dir
            .join(self.made.fetch_add(1, Ordering::Relaxed).to_string());
        let [upper, work, merged] = ["upper", "work", "merged"].map(|name| step.join(name));
        for dir in [&upper, &work, &merged] {
            fs::create_dir_all(dir).unwrap();
        }
        dress_as(&upper, &self.lowers[0]);
        let overlay = Mounted::new(&self.options(&upper, &work), &merged);
        let report = run(&merged);
        drop(overlay);
        self.lowers.insert(0, upper);
        report
    }

    fn options(&self, upper: &Path, work: &Path) -> String {
        let lowers: Vec<_> = self
            .lowers
            .iter()
            .map(|lower| lower.to_str().unwrap())
            .collect();
        format!(
            "lowerdir={},upperdir={},workdir={},redirect_dir=on,metacopy=on,index=off,xino=on,volatile",
            lowers.join(":"),
            upper.display(),
            work.display(),
        )
    }
}

/// Gives the root of an upper the looks of the one below.
fn dress_as(upper: &Path, lower: &Path) {
    let stat = fs::metadata(lower).unwrap();
    fs::set_permissions(upper, fs::Permissions::from_mode(stat.mode())).unwrap();
    let time = Timespec {
        tv_sec: stat.mtime(),
        tv_nsec: stat.mtime_nsec(),
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    dress_with_attributes(upper, lower);
    rustix::fs::utimensat(CWD, upper, &times, AtFlags::empty()).unwrap();
}

/// Copies attributes, but for overlayfs' own marks.
fn dress_with_attributes(upper: &Path, lower: &Path) {
    for (name, value) in xattrs(lower) {
        let is_own = name.starts_with("trusted.overlay.");
        if !is_own || name.starts_with("trusted.overlay.overlay.") {
            rustix::fs::setxattr(upper, name, &value, XattrFlags::empty()).unwrap();
        }
    }
}

struct Mounted(PathBuf);

impl Mounted {
    fn new(options: &str, at: &Path) -> Self {
        let overlay = Some("overlay");
        mount(overlay, at, overlay, MsFlags::MS_NODEV, Some(options)).unwrap();
        Self(at.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if umount2(&self.0, MntFlags::empty()).is_err() {
            let _ = umount2(&self.0, MntFlags::MNT_DETACH);
        }
    }
}
