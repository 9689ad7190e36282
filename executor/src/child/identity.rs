//! Who the command is: ids, capabilities, filters.

use rustix::process::{Gid, Uid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_thread_groups, set_thread_res_gid,
    set_thread_res_uid,
};

use crate::fault::Doing;
use crate::sandbox::Filters;
use crate::{StepFault, User, sys};

/// The 14 that container engines give to a build.
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETPCAP)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::NET_RAW)
    .union(CapabilitySet::SYS_CHROOT)
    .union(CapabilitySet::MKNOD)
    .union(CapabilitySet::AUDIT_WRITE)
    .union(CapabilitySet::SETFCAP);

/// Gives up everything that the command must not have. The filters come while there are still the
/// capabilities to load them without `no_new_privs`, under which `sudo` would not work.
pub(super) fn assume(user: &User, filters: &Filters) -> Result<(), StepFault> {
    bound_capabilities()?;
    let groups: Vec<Gid> = user.groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
    set_thread_groups(&groups).doing("set the supplementary groups")?;
    for filter in filters.in_order() {
        sys::install_filter(filter).doing("load a system-call filter")?;
    }
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    set_thread_res_gid(gid, gid, gid).doing("set the group id")?;
    set_thread_res_uid(uid, uid, uid).doing("set the user id")?;
    keep_capabilities(uid)
}

/// What is not in the bounding set cannot come back through a setuid program.
fn bound_capabilities() -> Result<(), StepFault> {
    clear_ambient_capability_set().doing("clear the ambient capabilities")?;
    for number in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        if KEPT.contains(capability) {
            continue;
        }
        match remove_capability_from_bounding_set(capability) {
            // The first number that this kernel does not know.
            Err(rustix::io::Errno::INVAL) => return Ok(()),
            result => result.doing("bound the capabilities")?,
        }
    }
    Ok(())
}

/// The kernel has taken all from a user other than root.
fn keep_capabilities(uid: Uid) -> Result<(), StepFault> {
    let kept = if uid.is_root() {
        KEPT
    } else {
        CapabilitySet::empty()
    };
    let inheritable = CapabilitySet::empty();
    set_capabilities(
        None,
        CapabilitySets {
            effective: kept,
            permitted: kept,
            inheritable,
        },
    )
    .doing("set the capabilities")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_capabilities_are_the_14() {
        assert_eq!(KEPT.bits(), 0xa804_25fb);
        assert_eq!(KEPT.bits().count_ones(), 14);
    }
}
