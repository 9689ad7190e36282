//! Signal masks and dispositions around `clone` and `exec`.

use std::mem::MaybeUninit;
use std::ptr;

/// The calling thread's signals, blocked until this is dropped.
pub(crate) struct BlockedSignals {
    before: libc::sigset_t,
}

impl BlockedSignals {
    /// Blocks all of them.
    pub(crate) fn all() -> Self {
        let mut all = MaybeUninit::uninit();
        let mut before = MaybeUninit::uninit();
        // SAFETY: both sets are written before they are read; the calls cannot fail with these
        // arguments.
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
            Self {
                before: before.assume_init(),
            }
        }
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // SAFETY: `before` is the mask that `all` found.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, ptr::null_mut())
        };
    }
}

/// The kernel's `struct sigaction` for the default disposition: no handler, no flags, no mask.
const DEFAULT_ACTION: [u64; 4] = [0; 4];

/// As many signals as a kernel mask has bits.
const SIGNALS: usize = 64;

/// Gives the command what a fresh login would: nothing blocked, nothing ignored.
///
/// The C library will not touch the two signals that it keeps to itself, and an ignored one of them
/// would be handed down, so the kernel is asked directly.
pub(crate) fn restore_default_signals() {
    let null = ptr::null_mut::<libc::c_void>();
    // SAFETY: default dispositions run no code of ours; signals that cannot be changed are refused
    // without effect. The structure and the mask are of the stated size.
    unsafe {
        for signal in 1..=SIGNALS {
            let action = DEFAULT_ACTION.as_ptr();
            libc::syscall(libc::SYS_rt_sigaction, signal, action, null, SIGNALS / 8);
        }
        let none = 0u64;
        let (how, mask) = (libc::SIG_SETMASK, &raw const none);
        libc::syscall(libc::SYS_rt_sigprocmask, how, mask, null, SIGNALS / 8);
    }
}
