//! The probe: a program that makes one raw system call inside a step, and prints the answer.

#![expect(
    unsafe_code,
    reason = "no library offers the calls that a step must be refused"
)]

use std::io;
use std::process::{Command, ExitCode};
use std::ptr;

use libc::c_long;

/// Calls what the arguments name, and prints `OK` or the errno's name.
pub(crate) fn probe(arguments: &[String]) -> ExitCode {
    let answer = match arguments.first().map(String::as_str).unwrap_or_default() {
        "thread" => std::thread::spawn(|| ())
            .join()
            .map_err(|_| io::ErrorKind::Other.into()),
        "fork" => Command::new("/bin/true").status().map(drop),
        call => raw(call),
    };
    println!("{}", name(&answer));
    ExitCode::SUCCESS
}

fn name(answer: &io::Result<()>) -> String {
    match answer.as_ref().map_err(io::Error::raw_os_error) {
        Ok(()) => "OK".into(),
        Err(Some(libc::EPERM)) => "EPERM".into(),
        Err(Some(libc::ENOSYS)) => "ENOSYS".into(),
        Err(errno) => format!("{errno:?}"),
    }
}

/// The number of a call and its first arguments; the others are zero.
fn call(name: &str) -> (c_long, [c_long; 3]) {
    let null = 0;
    match name {
        "unshare-user" => (libc::SYS_unshare, [libc::CLONE_NEWUSER.into(), 0, 0]),
        "unshare-mount" => (libc::SYS_unshare, [libc::CLONE_NEWNS.into(), 0, 0]),
        "clone-user" => (
            libc::SYS_clone,
            [(libc::CLONE_NEWUSER | libc::SIGCHLD).into(), 0, 0],
        ),
        "clone3" => (libc::SYS_clone3, [null, 0, 0]),
        "setns" => (libc::SYS_setns, [0, 0, 0]),
        "mount" => (libc::SYS_mount, [null, null, null]),
        "umount" => (libc::SYS_umount2, [null, 0, 0]),
        "pivot_root" => (libc::SYS_pivot_root, [null, null, 0]),
        "keyctl" => (libc::SYS_keyctl, [0, -3, 0]),
        "add_key" => (libc::SYS_add_key, [null, null, null]),
        "bpf" => (libc::SYS_bpf, [0, null, 0]),
        "perf_event_open" => (libc::SYS_perf_event_open, [null, 0, -1]),
        "userfaultfd" => (libc::SYS_userfaultfd, [0, 0, 0]),
        "io_uring_setup" => (libc::SYS_io_uring_setup, [1, null, 0]),
        "open_by_handle_at" => (libc::SYS_open_by_handle_at, [-1, null, 0]),
        "init_module" => (libc::SYS_init_module, [null, 0, null]),
        "reboot" => (libc::SYS_reboot, [0, 0, 0]),
        "tiocsti" => (libc::SYS_ioctl, [0, 0x5412, null]),
        // The kernel looks at 32 bits of the request; so must the filter.
        "tioclinux" => (libc::SYS_ioctl, [0, 0x1_0000_541c, null]),
        "personality" => (libc::SYS_personality, [0x0040_0000, 0, 0]),
        "personality-query" => (libc::SYS_personality, [0xffff_ffff, 0, 0]),
        "socket-alg" => (
            libc::SYS_socket,
            [libc::AF_ALG.into(), libc::SOCK_SEQPACKET.into(), 0],
        ),
        "socket-vsock" => (
            libc::SYS_socket,
            [libc::AF_VSOCK.into(), libc::SOCK_STREAM.into(), 0],
        ),
        "socket-inet" => (
            libc::SYS_socket,
            [libc::AF_INET.into(), libc::SOCK_STREAM.into(), 0],
        ),
        "x32-getpid" => (0x4000_0000 | libc::SYS_getpid, [0, 0, 0]),
        _ => (9999, [0, 0, 0]),
    }
}

fn raw(name: &str) -> io::Result<()> {
    let (number, [first, second, third]) = call(name);
    // SAFETY: every pointer among the arguments is null, so the kernel can write nothing here; a
    // child of `clone` would share no memory, and only prints.
    let result = unsafe {
        libc::syscall(
            number,
            first,
            second,
            third,
            0,
            0,
            ptr::null::<libc::c_void>(),
        )
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
