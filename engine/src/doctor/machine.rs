//! The kernel and the programs of the machine.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::process::{Command, Stdio};

use super::Finding;

/// The oldest kernel with all that is used: overlay options by descriptor, `mount_setattr(2)`.
const OLDEST_KERNEL: (u32, u32) = (5, 12);

/// The namespaces that a step is put into.
const NAMESPACES: [&str; 6] = ["mnt", "pid", "net", "ipc", "uts", "cgroup"];

pub(super) fn kernel() -> Finding {
    let release = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    let (major, minor) = OLDEST_KERNEL;
    match version(&release) {
        Some(version) if version >= OLDEST_KERNEL => Finding::ok("kernel", release),
        _ => Finding::missing(
            "kernel",
            format!("Linux {release}, and {major}.{minor} is the oldest that will do"),
            "boot a newer kernel",
        ),
    }
}

/// `6.1` of `6.1.0-18-amd64`.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

pub(super) fn fuse_device() -> Finding {
    let opened = OpenOptions::new().read(true).write(true).open("/dev/fuse");
    match opened {
        Ok(_) => Finding::ok("/dev/fuse", "opens for reading and writing"),
        Err(error) => Finding::missing(
            "/dev/fuse",
            error.to_string(),
            "modprobe fuse; in a container, pass the device in: --device /dev/fuse",
        ),
    }
}

pub(super) fn namespaces(private_mounts: &Result<(), String>) -> Finding {
    const FIX: &str = "run as root; in a container, with CAP_SYS_ADMIN";
    if let Err(error) = private_mounts {
        return Finding::missing("namespaces", error.clone(), FIX);
    }
    let is_missing = |name: &&&str| !Path::new("/proc/self/ns").join(name).exists();
    let missing: Vec<&str> = NAMESPACES.iter().filter(is_missing).copied().collect();
    match missing.is_empty() {
        true => Finding::ok("namespaces", NAMESPACES.join(", ")),
        false => {
            let why = format!("the kernel has none of kind {}", missing.join(", "));
            Finding::missing("namespaces", why, "boot a kernel that has them")
        }
    }
}

pub(super) fn seccomp() -> Finding {
    let actions = fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail");
    match actions {
        Ok(actions) if actions.split_whitespace().any(|action| action == "errno") => {
            Finding::ok("seccomp", "filters are available")
        }
        _ => Finding::missing(
            "seccomp",
            "the kernel has no seccomp filters, which every step runs under",
            "boot a kernel with CONFIG_SECCOMP_FILTER",
        ),
    }
}

pub(super) fn cgroups() -> Finding {
    const FIX: &str = "mount cgroup2 on /sys/fs/cgroup, writable for iechor";
    let root = Path::new("/sys/fs/cgroup");
    let unified = fs::read_to_string(root.join("cgroup.controllers"));
    let limits_pids = match &unified {
        Ok(controllers) => controllers.split_whitespace().any(|name| name == "pids"),
        Err(_) => root.join("pids").is_dir(),
    };
    let why = match unified {
        Ok(_) => "version 2",
        Err(_) => "version 1",
    };
    match limits_pids {
        true => Finding::ok("cgroups", why),
        false => Finding::degraded(
            "cgroups",
            "no controller `pids`: steps run without a limit on processes",
            FIX,
        ),
    }
}

pub(super) fn git() -> Finding {
    let version = Command::new("git")
        .arg("--version")
        .stdin(Stdio::null())
        .output();
    match version {
        Ok(output) if output.status.success() => {
            Finding::ok("git", String::from_utf8_lossy(&output.stdout).trim())
        }
        _ => Finding::degraded(
            "git",
            "not found: ADD of a repository does not work",
            "install git",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_up_to_the_second_number() {
        assert_eq!(version("6.1.0-18-amd64"), Some((6, 1)));
        assert_eq!(version("5.15"), Some((5, 15)));
        assert_eq!(version("6"), None);
        assert_eq!(version("next"), None);
    }
}
