//! A step's init, seen from the builder.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::process::{Signal, WaitId, WaitIdOptions, WaitIdStatus, pidfd_send_signal, waitid};

use super::program::SealedProgram;
use super::stdio::{self, Pipes};
use crate::channel::{BuilderEnd, channel};
use crate::sys::{Launch, Launched, launch};
use crate::{ExecError, Network};

/// PID 1 of a step. Dropping it kills the step, and waits until every process of it is gone.
#[derive(Debug)]
pub(crate) struct InitProcess {
    launched: Launched,
    channel: BuilderEnd,
    /// Set once init has been waited for.
    ended: Option<WaitIdStatus>,
}

impl InitProcess {
    /// Starts an init that waits for its step.
    pub(crate) fn start(
        program: &SealedProgram,
        network: Network,
        stdin: OwnedFd,
    ) -> Result<(Self, Pipes), ExecError> {
        let (builder_end, init_end) = channel().map_err(ExecError::Descriptors)?;
        let (pipes, child) = stdio::open(stdin).map_err(ExecError::Descriptors)?;
        let launched = launch(&Launch {
            program: program.as_fd(),
            stdio: [
                child.stdin.as_fd(),
                child.stdout.as_fd(),
                child.stderr.as_fd(),
            ],
            channel: init_end.as_fd(),
            namespaces: namespaces(network),
        })
        .map_err(ExecError::Namespaces)?;
        Ok((
            Self {
                launched,
                channel: builder_end,
                ended: None,
            },
            pipes,
        ))
    }

    /// Its id in the builder's PID namespace.
    pub(crate) fn pid(&self) -> i32 {
        self.launched.pid
    }

    /// The builder's end of its channel.
    pub(crate) fn channel(&mut self) -> &mut BuilderEnd {
        &mut self.channel
    }

    /// The builder's end of its channel, to wait on.
    pub(crate) fn channel_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }

    /// Kills it, and with it every process of the step.
    pub(crate) fn kill(&self) {
        // Fails only when it is gone, which is what is wanted.
        let _ = pidfd_send_signal(&self.launched.pidfd, Signal::KILL);
    }

    /// Waits until it is gone. The kernel lets init go only after every process of its PID
    /// namespace, so afterwards nothing of the step runs and no mount of it is left.
    pub(crate) fn wait(&mut self) -> io::Result<Option<WaitIdStatus>> {
        if self.ended.is_none() {
            let pidfd = self.launched.pidfd.as_fd();
            let wait = || waitid(WaitId::PidFd(pidfd), WaitIdOptions::EXITED);
            self.ended = rustix::io::retry_on_intr(wait)?;
        }
        Ok(self.ended)
    }
}

/// Readable when init is gone.
impl AsFd for InitProcess {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.launched.pidfd.as_fd()
    }
}

impl Drop for InitProcess {
    fn drop(&mut self) {
        if self.ended.is_none() {
            self.kill();
            let _ = self.wait();
        }
    }
}

/// The cgroup namespace is not among them: init makes it after it was put into its cgroup, which is
/// then the root that it shows.
fn namespaces(network: Network) -> libc::c_int {
    let always = libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
    match network {
        Network::None => always | libc::CLONE_NEWNET,
        Network::Host => always,
    }
}
