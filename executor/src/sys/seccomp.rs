//! Loading a filter without `no_new_privs`: steps may run `sudo` and `su`.

use std::io;

use seccompiler::sock_filter;

/// The layout that the kernel reads (`struct sock_fprog`).
#[repr(C)]
struct Program {
    len: libc::c_ushort,
    filter: *const sock_filter,
}

/// Puts one more filter on this process; needs CAP_SYS_ADMIN.
pub(crate) fn install_filter(instructions: &[sock_filter]) -> io::Result<()> {
    let len = instructions
        .len()
        .try_into()
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let program = Program {
        len,
        filter: instructions.as_ptr(),
    };
    // SAFETY: `program` states the true length of the instructions, and both outlive the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            0,
            &raw const program,
        )
    };
    match result {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
