//! Starting init: from a process with threads into new namespaces, by `clone` and `exec`.

use std::ffi::{CStr, c_int, c_uint, c_void};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use rustix::process::{WaitId, WaitIdOptions, waitid};

use super::signals::BlockedSignals;

/// The name by which a re-executed process knows what it is.
pub(crate) const INIT_NAME: &CStr = c"iechor-step-init";

/// Init's end of the channel; 0, 1 and 2 are the standard streams.
const CHANNEL_FD: RawFd = 3;

/// Descriptors to hand down are moved above this first, so that none is overwritten by another.
const FIRST_SAFE_FD: RawFd = 10;

/// What init starts from.
pub(crate) struct Launch<'a> {
    /// The executable.
    pub(crate) program: BorrowedFd<'a>,
    /// Become init's standard input, output and error.
    pub(crate) stdio: [BorrowedFd<'a>; 3],
    /// Init's end of the channel.
    pub(crate) channel: BorrowedFd<'a>,
    /// `CLONE_NEW*`.
    pub(crate) namespaces: c_int,
}

/// A started init.
#[derive(Debug)]
pub(crate) struct Launched {
    /// Its id in the builder's PID namespace.
    pub(crate) pid: i32,
    /// Becomes readable when it, and so every process of its PID namespace, is gone.
    pub(crate) pidfd: OwnedFd,
}

/// What the child side of the clone works with. It shares the builder's memory until `exec`.
struct Plan {
    program: RawFd,
    inherited: [RawFd; 4],
    argv: [*const libc::c_char; 2],
    envp: [*const libc::c_char; 1],
    /// Why `exec` was not reached; 0 as long as nothing failed.
    errno: c_int,
}

/// Starts init as PID 1 of new namespaces. It dies with the calling *thread*.
///
/// Like `posix_spawn`: the child borrows the builder's memory instead of copying its page tables,
/// and the calling thread sleeps until the child has left for its own program.
pub(crate) fn launch(launch: &Launch<'_>) -> io::Result<Launched> {
    let [stdin, stdout, stderr] = launch.stdio;
    let mut raised = Vec::with_capacity(4);
    for fd in [stdin, stdout, stderr, launch.channel] {
        raised.push(rustix::io::fcntl_dupfd_cloexec(fd, FIRST_SAFE_FD)?);
    }
    let program = rustix::io::fcntl_dupfd_cloexec(launch.program, FIRST_SAFE_FD)?;
    let mut plan = Plan {
        program: program.as_raw_fd(),
        inherited: std::array::from_fn(|index| raised[index].as_raw_fd()),
        argv: [INIT_NAME.as_ptr(), ptr::null()],
        envp: [ptr::null()],
        errno: 0,
    };
    let launched = clone_vfork(&mut plan, launch.namespaces)?;
    match plan.errno {
        0 => Ok(launched),
        errno => {
            // It left before it became init; nobody else reaps it.
            let _ = waitid(WaitId::PidFd(launched.pidfd.as_fd()), WaitIdOptions::EXITED);
            Err(io::Error::from_raw_os_error(errno))
        }
    }
}

fn clone_vfork(plan: &mut Plan, namespaces: c_int) -> io::Result<Launched> {
    let mut stack = vec![0u128; 4096];
    // No handler of the builder may run in the child while it shares the builder's memory.
    let _blocked = BlockedSignals::all();
    let flags = namespaces | libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
    let mut pidfd: c_int = -1;
    // SAFETY: the stack is 64 KiB, aligned to 16 bytes, grows down from its end and outlives the
    // child's use of it, because CLONE_VFORK suspends this thread until the child has called exec
    // or exit; the same holds for `plan`. `become_init` makes async-signal-safe calls only.
    let pid = unsafe {
        libc::clone(
            become_init,
            stack.as_mut_ptr_range().end.cast(),
            flags,
            ptr::from_mut(plan).cast(),
            &raw mut pidfd,
        )
    };
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just stored a new descriptor there, and nothing else owns it.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(Launched { pid, pidfd })
}

/// The child between clone and exec: allocates nothing, takes no lock, never returns to Rust code
/// of the builder.
extern "C" fn become_init(plan: *mut c_void) -> c_int {
    // SAFETY: `clone_vfork` passes a `Plan` and is suspended, so this is the only reference.
    let plan = unsafe { &mut *plan.cast::<Plan>() };
    // SAFETY: plain system calls on descriptors and null-terminated arrays that `Plan` keeps alive.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        for (target, fd) in (0..).zip(plan.inherited) {
            if libc::dup2(fd, target) < 0 {
                plan.errno = *libc::__errno_location();
                return 127;
            }
        }
        // Whatever the builder has open, the device of a FUSE session above all, ends here.
        let first = CHANNEL_FD as c_uint + 1;
        let flags = libc::CLOSE_RANGE_CLOEXEC as c_int;
        if libc::close_range(first, c_uint::MAX, flags) < 0 {
            plan.errno = *libc::__errno_location();
            return 127;
        }
        libc::syscall(
            libc::SYS_execveat,
            plan.program,
            c"".as_ptr(),
            plan.argv.as_ptr(),
            plan.envp.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
        plan.errno = *libc::__errno_location();
    }
    127
}

/// Takes over the channel in a re-executed process; none if descriptor 3 is not a socket.
pub(crate) fn inherited_channel() -> Option<OwnedFd> {
    // SAFETY: asked only at the very start of a process that `launch` named `INIT_NAME`; nothing
    // has opened a descriptor yet, so 3 is either the handed-down channel or closed.
    let borrowed = unsafe { BorrowedFd::borrow_raw(CHANNEL_FD) };
    rustix::net::sockopt::socket_type(borrowed).ok()?;
    rustix::io::fcntl_setfd(borrowed, rustix::io::FdFlags::CLOEXEC).ok()?;
    // SAFETY: as above: it is open, a socket, and nobody else's.
    Some(unsafe { OwnedFd::from_raw_fd(CHANNEL_FD) })
}
