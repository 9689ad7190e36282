//! The system calls that this profile has judged, by number.
//!
//! The numbers of a machine are handed out in order and never reused, so "judged" is a range: every
//! call up to the last one that was looked at. The container engines' common profile of 2026 names
//! the same calls one by one.

use libc::c_long;
use seccompiler::{BpfProgram, sock_filter};

/// Where the numbers shared by all machines begin (`pidfd_send_signal`).
const COMMON_FIRST: c_long = 424;
/// The last one judged: `removexattrat` of Linux 6.13.
const COMMON_LAST: c_long = 466;

#[cfg(target_arch = "x86_64")]
mod machine {
    /// The last number of this machine's own table: `uretprobe`.
    pub(super) const OWN_LAST: libc::c_long = 335;
    /// As the kernel names this machine to filters.
    pub(super) const AUDIT_ARCH: u32 = 0xc000_003e;
}

#[cfg(target_arch = "aarch64")]
mod machine {
    /// The last number of the generic table before the common ones: `kexec_file_load`.
    pub(super) const OWN_LAST: libc::c_long = 294;
    /// As the kernel names this machine to filters.
    pub(super) const AUDIT_ARCH: u32 = 0xc000_00b7;
}

use machine::{AUDIT_ARCH, OWN_LAST};

/// Whether the filter lets a call through. `clone3` passes its flags in memory, where no filter can
/// look, so it does not exist for a step, and C libraries fall back to `clone`.
#[cfg(test)]
pub(super) fn is_known(call: c_long) -> bool {
    let judged = (0..=OWN_LAST).contains(&call) || (COMMON_FIRST..=COMMON_LAST).contains(&call);
    judged && call != libc::SYS_clone3
}

/// Lets the known calls through, answers others with "no such call", and kills what makes calls of
/// another machine (32-bit programs). By hand, because a compiler of rules knows no ranges.
pub(super) fn filter() -> BpfProgram {
    let no_such_call = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
    vec![
        load(ARCH_OFFSET),
        // A jump counts the instructions that it skips: when the comparison holds, and when not.
        jump(libc::BPF_JEQ, AUDIT_ARCH, 1, 0),
        answer(libc::SECCOMP_RET_KILL_PROCESS),
        load(CALL_OFFSET),
        jump(libc::BPF_JGT, COMMON_LAST as u32, 4, 0),
        jump(libc::BPF_JEQ, libc::SYS_clone3 as u32, 3, 0),
        jump(libc::BPF_JGE, COMMON_FIRST as u32, 1, 0),
        jump(libc::BPF_JGT, OWN_LAST as u32, 1, 0),
        answer(libc::SECCOMP_RET_ALLOW),
        answer(no_such_call),
    ]
}

/// Offsets in `struct seccomp_data`.
const CALL_OFFSET: u32 = 0;
const ARCH_OFFSET: u32 = 4;

fn load(offset: u32) -> sock_filter {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset)
}

fn jump(comparison: u32, value: u32, if_true: u8, if_false: u8) -> sock_filter {
    instruction(
        libc::BPF_JMP | comparison | libc::BPF_K,
        if_true,
        if_false,
        value,
    )
}

fn answer(answer: u32) -> sock_filter {
    instruction(libc::BPF_RET | libc::BPF_K, 0, 0, answer)
}

fn instruction(code: u32, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    }
}
