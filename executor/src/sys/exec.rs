//! From init to the command.

use std::ffi::{CStr, CString};
use std::io;
use std::ptr;

use rustix::process::Pid;

/// Which side of a fork this is.
pub(crate) enum Forked {
    /// The new process.
    Child,
    /// The old one.
    Parent(Pid),
}

/// Forks. For callers that have one thread, so that the child may do anything.
pub(crate) fn fork() -> io::Result<Forked> {
    // SAFETY: init never starts a thread, and `run_in_background` looks that there is one only: no
    // lock can be held by a thread that the child lacks.
    match unsafe { libc::fork() } {
        0 => Ok(Forked::Child),
        pid => Pid::from_raw(pid)
            .filter(|_| pid > 0)
            .map(Forked::Parent)
            .ok_or_else(io::Error::last_os_error),
    }
}

/// Replaces this process; returns only when it could not, with the reason.
pub(crate) fn execute(program: &CStr, argv: &[CString], env: &[CString]) -> io::Error {
    let argv = null_terminated(argv);
    let env = null_terminated(env);
    // SAFETY: both arrays end in a null pointer and point to strings that outlive the call.
    unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), env.as_ptr()) };
    io::Error::last_os_error()
}

fn null_terminated(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings
        .iter()
        .map(|string| string.as_ptr())
        .chain([ptr::null()])
        .collect()
}

/// Closes every descriptor from `first` on. For a process that uses none of them any more.
pub(crate) fn close_from(first: u32) -> io::Result<()> {
    // SAFETY: no memory is passed. Values that own the descriptors are never used nor dropped: the
    // one caller is a new process that ends without unwinding.
    match unsafe { libc::close_range(first, u32::MAX, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Ends this process at once, without running the exit handlers of the builder's program.
pub(crate) fn exit(code: i32) -> ! {
    // SAFETY: does not return.
    unsafe { libc::_exit(code) }
}

/// Leaves the host's session keyring for an empty one.
pub(crate) fn new_session_keyring() -> io::Result<()> {
    const JOIN_SESSION_KEYRING: libc::c_long = libc::KEYCTL_JOIN_SESSION_KEYRING as libc::c_long;
    let anonymous = ptr::null::<libc::c_char>();
    // SAFETY: a null name asks for a keyring without one; no memory is passed.
    match unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, anonymous) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
