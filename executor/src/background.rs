//! A process in the background: what serves a mount after its command has returned.

use std::fs::{File, OpenOptions, read_dir};
use std::io;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Pid;

use crate::sys::{self, Forked};

/// Where the kernel lists the threads of this process.
const THREADS: &str = "/proc/self/task";

/// How long, and how often, a thread's end is waited for.
const PAUSE: Duration = Duration::from_millis(1);
const PATIENCE: usize = 20;

/// What a process exits with whose life ended in a panic.
const PANICKED: u8 = 125;

/// Forks, runs `life` in the new process, and ends that with what `life` returns.
///
/// The new process leads a session of its own, so that no signal of the terminal reaches it, and
/// works in `/`. Of the descriptors it has `input` as 0 and `output` as 1, `/dev/null` as 2, and no
/// other: a database or a pipe that the caller has open must not be touched in `life`. Nothing of
/// the caller is dropped in it. The caller may wait for the process, and need not.
///
/// A fork starts within a tenth of a millisecond; executing a program of our size again takes
/// three.
///
/// # Errors
///
/// [`io::ErrorKind::Unsupported`] in a process with several threads, whose locks might be held for
/// ever in the new one; what the kernel says to `fork`.
pub fn run_in_background(
    input: OwnedFd,
    output: OwnedFd,
    life: impl FnOnce() -> u8,
) -> io::Result<Pid> {
    let null = OpenOptions::new().write(true).open("/dev/null")?;
    require_one_thread()?;
    match sys::fork()? {
        Forked::Parent(pid) => Ok(pid),
        Forked::Child => sys::exit(i32::from(live(input, output, null, life))),
    }
}

/// Waits a little: a thread that was joined is listed for a moment longer.
fn require_one_thread() -> io::Result<()> {
    let mut threads = read_dir(THREADS)?.count();
    for _ in 0..PATIENCE {
        if threads == 1 {
            return Ok(());
        }
        sleep(PAUSE);
        threads = read_dir(THREADS)?.count();
    }
    let what = format!("the process has {threads} threads, and must have one to fork");
    Err(io::Error::new(io::ErrorKind::Unsupported, what))
}

/// Comes back even when `life` panics: the stack above belongs to the caller's process.
fn live(input: OwnedFd, output: OwnedFd, null: File, life: impl FnOnce() -> u8) -> u8 {
    let lived = catch_unwind(AssertUnwindSafe(|| {
        cut_off(input, output, null).map_or(PANICKED, |()| life())
    }));
    lived.unwrap_or(PANICKED)
}

fn cut_off(input: OwnedFd, output: OwnedFd, null: File) -> io::Result<()> {
    // It fails for who leads a session already, which a new process never does.
    let _ = rustix::process::setsid();
    rustix::process::chdir("/")?;
    rustix::stdio::dup2_stdin(input)?;
    rustix::stdio::dup2_stdout(output)?;
    rustix::stdio::dup2_stderr(null)?;
    sys::close_from(3)
}
