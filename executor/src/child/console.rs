//! The terminal of a step: made in its own devpts, so that it has a name there.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use rustix::fs::{Mode, OFlags, Uid};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use crate::fault::Doing;
use crate::{StepFault, User};

/// Makes a terminal that belongs to the step's user, sends its master over standard input, which is
/// a socket to the builder, and gives the slave.
///
/// The step's root has been entered.
pub(super) fn open(user: &User) -> Result<OwnedFd, StepFault> {
    open_pair(user).doing("make a terminal for the command")
}

fn open_pair(user: &User) -> io::Result<OwnedFd> {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = rustix::fs::open(ptsname_r(&master)?, flags, Mode::empty())?;
    rustix::fs::fchown(&slave, Some(Uid::from_raw(user.uid)), None)?;
    send(&master)?;
    Ok(slave)
}

fn send(master: impl AsFd) -> io::Result<()> {
    let fds = [master.as_fd()];
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    let parts = [IoSlice::new(b"m")];
    sendmsg(
        rustix::stdio::stdin(),
        &parts,
        &mut ancillary,
        SendFlags::NOSIGNAL,
    )?;
    Ok(())
}

/// Makes the terminal the command's own: its controlling terminal and its three streams.
///
/// The caller leads a session.
pub(super) fn take(slave: &OwnedFd) -> Result<(), StepFault> {
    take_over(slave).doing("take over the terminal")
}

fn take_over(slave: &OwnedFd) -> io::Result<()> {
    rustix::process::ioctl_tiocsctty(slave)?;
    rustix::stdio::dup2_stdin(slave)?;
    rustix::stdio::dup2_stdout(slave)?;
    Ok(rustix::stdio::dup2_stderr(slave)?)
}
