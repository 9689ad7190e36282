//! The start sequence, as a list of steps.

use std::fs;
use std::path::PathBuf;

use nix::sched::{CloneFlags, unshare};
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::{DumpableBehavior, Resource, Rlimit};

use super::root::Root;
use super::{devices, kernel_fs, step_mounts};
use crate::fault::Doing;
use crate::{Network, StepFault, StepSpec, sys};

/// A step's root with everything mounted, not entered yet.
#[derive(Debug)]
pub(super) struct World {
    root: Root,
}

/// Does all that needs no cgroup.
pub(super) fn prepare(step: &StepSpec) -> Result<World, StepFault> {
    hide_from_ptrace()?;
    detach_propagation()?;
    set_host_name(&step.hostname)?;
    set_up_network(step.network)?;
    let (root, staging) = Root::attach(&step.rootfs)?;
    kernel_fs::mount_proc(&root, &staging)?;
    kernel_fs::mount_sys(&root, &staging)?;
    devices::mount_dev(&root)?;
    step_mounts::mount_all(&root, &staging, &step.mounts)?;
    Ok(World { root })
}

impl World {
    /// Joins the control groups, of which the step then sees no more than its own, and enters the
    /// root.
    pub(super) fn enter(self, groups: &[PathBuf]) -> Result<(), StepFault> {
        join(groups);
        unshare(CloneFlags::CLONE_NEWCGROUP).doing("make a cgroup namespace")?;
        kernel_fs::mount_cgroup(&self.root)?;
        self.root.enter()?;
        limit_resources()?;
        leave_keyring()
    }
}

/// Best effort, like all that has to do with control groups.
fn join(groups: &[PathBuf]) {
    for group in groups {
        let _ = fs::write(group, "0");
    }
}

/// Init holds the step's secrets in memory, and its descriptors are not the step's business.
fn hide_from_ptrace() -> Result<(), StepFault> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .doing("make init undumpable")
}

fn detach_propagation() -> Result<(), StepFault> {
    mount_change(
        "/",
        MountPropagationFlags::REC | MountPropagationFlags::PRIVATE,
    )
    .doing("make the step's mounts private")
}

fn set_host_name(name: &str) -> Result<(), StepFault> {
    rustix::system::sethostname(name.as_bytes()).doing("set the host name")
}

fn set_up_network(network: Network) -> Result<(), StepFault> {
    match network {
        Network::None => sys::bring_up_loopback().doing("set up the loopback interface"),
        Network::Host => Ok(()),
    }
}

/// Limits, as soft and hard value. No core dump, for it would land in the layer.
const LIMITS: [(Resource, u64, u64); 3] = [
    (Resource::Core, 0, 0),
    (Resource::Nofile, 1024, 1_048_576),
    (Resource::Stack, 8 << 20, u64::MAX),
];

/// Never raises a hard limit, which takes a capability that even root may lack.
fn limit_resources() -> Result<(), StepFault> {
    for (resource, soft, hard) in LIMITS {
        let ceiling = rustix::process::getrlimit(resource)
            .maximum
            .unwrap_or(u64::MAX);
        let hard = hard.min(ceiling);
        let limit = Rlimit {
            current: Some(soft.min(hard)),
            maximum: finite(hard),
        };
        rustix::process::setrlimit(resource, limit).doing("limit the command's resources")?;
    }
    Ok(())
}

fn finite(limit: u64) -> Option<u64> {
    (limit != u64::MAX).then_some(limit)
}

/// A kernel without keyrings has nothing to leave.
fn leave_keyring() -> Result<(), StepFault> {
    match sys::new_session_keyring() {
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => Ok(()),
        result => result.doing("leave the host's keyring"),
    }
}
