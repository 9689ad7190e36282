//! The mounts that a step asks for.

use super::root::Root;
use super::source::Prepared;
use super::staging::Staging;
use super::targets::Targets;
use crate::{StepFault, StepMount};

/// Makes a step's mounts in order.
pub(super) fn mount_all(
    root: &Root,
    staging: &Staging,
    mounts: &[StepMount],
) -> Result<(), StepFault> {
    let mut targets = Targets::new(root);
    for mount in mounts {
        let source = Prepared::new(mount, staging)?;
        let place = targets.open(&mount.target, source.shape())?;
        source.attach(&place)?;
        targets.note(mount);
    }
    Ok(())
}
