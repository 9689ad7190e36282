//! `/proc` and `/sys`: what they show, hide and refuse.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::root::Root;
use super::staging::{Staging, show};
use super::tree::{DATA, FROZEN, Tree};
use crate::StepFault;

/// Shown empty: they tell about the host, or steer it.
const MASKED_PROC: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kallsyms",
    "/proc/kcore",
    "/proc/keys",
    "/proc/kmsg",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
];

/// As above.
const MASKED_SYS: [&str; 2] = ["/sys/firmware", "/sys/devices/virtual/powercap"];

/// Settings of the host.
const READ_ONLY_PROC: [&str; 5] = [
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

/// Where processors tell how hot they are, which tells what other tenants do.
const PROCESSORS: &str = "/sys/devices/system/cpu";

/// A `/proc` of the step's own PID namespace.
pub(super) fn mount_proc(root: &Root, staging: &Staging) -> Result<(), StepFault> {
    mount_new(root, "proc", "/proc", DATA)?;
    MASKED_PROC
        .iter()
        .try_for_each(|path| mask(root, staging, Path::new(path)))?;
    READ_ONLY_PROC
        .iter()
        .try_for_each(|path| freeze(root, Path::new(path)))
}

/// A `/sys` of the step's network namespace, read-only.
pub(super) fn mount_sys(root: &Root, staging: &Staging) -> Result<(), StepFault> {
    mount_new(root, "sysfs", "/sys", FROZEN)?;
    MASKED_SYS
        .iter()
        .try_for_each(|path| mask(root, staging, Path::new(path)))?;
    thermal_throttles()
        .iter()
        .try_for_each(|path| mask(root, staging, path))
}

/// The step's own branch of a unified hierarchy, read-only. Hosts with version 1 controllers get
/// none: those have no namespace that would keep the rest out of sight.
pub(super) fn mount_cgroup(root: &Root) -> Result<(), StepFault> {
    let unified = fs::exists("/sys/fs/cgroup/cgroup.controllers").unwrap_or(false);
    if unified {
        mount_new(root, "cgroup2", "/sys/fs/cgroup", FROZEN)
    } else {
        Ok(())
    }
}

fn mount_new(
    root: &Root,
    kind: &str,
    target: &str,
    attributes: rustix::mount::MountAttrFlags,
) -> Result<(), StepFault> {
    let place = root.require(target)?;
    Tree::new(kind, &[], attributes)
        .and_then(|tree| tree.attach(&place.fd))
        .map(drop)
        .map_err(|source| fault(kind, Path::new(target), source))
}

/// Hides a path behind an empty file or directory of our own: one of the rootfs could be anything
/// by now (CVE-2025-31133). What this kernel lacks needs no mask.
fn mask(root: &Root, staging: &Staging, path: &Path) -> Result<(), StepFault> {
    let mask = || -> io::Result<()> {
        let Some(place) = root.find(path)? else {
            return Ok(());
        };
        let empty = staging.empty(place.shape);
        show(empty, FROZEN)?.attach(&place.fd).map(drop)
    };
    mask().map_err(|source| fault("a mask", path, source))
}

/// Mounts a path on itself, read-only.
fn freeze(root: &Root, path: &Path) -> Result<(), StepFault> {
    let freeze = || -> io::Result<()> {
        let Some(place) = root.find(path)? else {
            return Ok(());
        };
        show(&place.fd, FROZEN)?.attach(&place.fd).map(drop)
    };
    freeze().map_err(|source| fault("a read-only view", path, source))
}

/// Read from the host's `/sys`, which shows the same processors.
fn thermal_throttles() -> Vec<PathBuf> {
    let processors = fs::read_dir(PROCESSORS).into_iter().flatten().flatten();
    processors
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"cpu"))
        .map(|entry| entry.path().join("thermal_throttle"))
        .filter(|path| path.exists())
        .collect()
}

fn fault(what: &str, target: &Path, source: io::Error) -> StepFault {
    StepFault::Mount {
        what: what.into(),
        target: target.into(),
        source,
    }
}
