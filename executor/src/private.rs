//! The builder's own mount namespace.

use nix::sched::{CloneFlags, unshare};
use rustix::mount::{MountPropagationFlags, mount_change};

use crate::ExecError;

/// Moves the whole process into a private mount namespace, so that no mount of it is seen from
/// outside or survives it. Must be called while the process has one thread.
pub fn enter_private_mounts() -> Result<(), ExecError> {
    unshare(CloneFlags::CLONE_NEWNS).map_err(|errno| ExecError::PrivateMounts(errno.into()))?;
    mount_change(
        "/",
        MountPropagationFlags::REC | MountPropagationFlags::PRIVATE,
    )
    .map_err(|errno| ExecError::PrivateMounts(errno.into()))
}
