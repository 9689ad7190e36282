//! The system calls that this profile has looked at, by number.
//!
//! The numbers of a machine are handed out in order and never reused, so "known" is a range: every
//! call up to the last one that was judged. The container engines' common profile of 2026 lists the
//! same calls by name.

use libc::c_long;

/// Where the numbers shared by all machines begin (`pidfd_send_signal`).
const COMMON_FIRST: c_long = 424;
/// The last one judged: `removexattrat` of Linux 6.13.
const COMMON_LAST: c_long = 466;

/// Numbers of this machine's own history: to `rseq`, and `uretprobe`.
#[cfg(target_arch = "x86_64")]
const OWN_LAST: c_long = 335;
/// Numbers of the generic table: to `kexec_file_load`.
#[cfg(not(target_arch = "x86_64"))]
const OWN_LAST: c_long = 294;

/// Every call that was judged: let through unless it is withheld.
pub(super) fn known() -> impl Iterator<Item = c_long> {
    (0..=OWN_LAST).chain(COMMON_FIRST..=COMMON_LAST)
}
