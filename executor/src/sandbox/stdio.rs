//! The standard streams of a step.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use rustix::pipe::{PipeFlags, pipe_with};

/// What init inherits.
pub(crate) struct ChildStdio {
    /// Read end.
    pub(crate) stdin: OwnedFd,
    /// Write end.
    pub(crate) stdout: OwnedFd,
    /// Write end.
    pub(crate) stderr: OwnedFd,
}

/// What the builder keeps: the read ends, non-blocking.
#[derive(Debug)]
pub(crate) struct Pipes {
    /// The command's standard output.
    pub(crate) stdout: OwnedFd,
    /// The command's standard error.
    pub(crate) stderr: OwnedFd,
}

/// A standard input without anything: a build has nobody to answer questions.
pub(crate) fn nothing() -> io::Result<OwnedFd> {
    Ok(File::open("/dev/null")?.into())
}

/// Opens both sides.
pub(crate) fn open(stdin: OwnedFd) -> io::Result<(Pipes, ChildStdio)> {
    let (stdout, child_stdout) = output_pipe()?;
    let (stderr, child_stderr) = output_pipe()?;
    let child = ChildStdio {
        stdin,
        stdout: child_stdout,
        stderr: child_stderr,
    };
    Ok((Pipes { stdout, stderr }, child))
}

/// Non-blocking for the reader only: many programs lose output on a non-blocking stdout.
fn output_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&read, true)?;
    Ok((read, write))
}
