//! Runs steps with Linux namespaces.

mod cgroup;
mod process;
mod program;
mod seccomp;
mod stdio;
mod verdict;
mod watch;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::thread;

use rustix::pipe::{PipeFlags, pipe_with};

use crate::channel::{Order, Talk};
use crate::{CancelToken, ExecError, OutputSink, StepOutcome, StepSpec, Stream, Terminal};
use cgroup::CgroupRoot;
use process::InitProcess;
use program::SealedProgram;
pub(crate) use seccomp::Filters;
use watch::Watch;

/// Runs steps with Linux namespaces: the profile of docs/sandbox.md.
///
/// May be shared by threads; each [`Sandbox::run`] is a world of its own. The thread that calls it
/// must live until it returns, for the step dies with that thread.
#[derive(Debug)]
pub struct Sandbox {
    program: SealedProgram,
    filters: Filters,
    cgroups: CgroupRoot,
}

impl Sandbox {
    /// Prepares what all steps share (the sealed copy of this program, cgroup, seccomp filters).
    /// Copies this program, so a build that runs no step should not ask for it.
    pub fn new() -> Result<Self, ExecError> {
        Ok(Self {
            program: SealedProgram::copy().map_err(ExecError::CopyProgram)?,
            filters: Filters::compile()?,
            cgroups: CgroupRoot::find(),
        })
    }

    /// Runs one step to its end. When it returns, no process of the step is left and none of its mounts.
    pub fn run(
        &self,
        spec: &StepSpec,
        output: &mut dyn OutputSink,
        cancel: &CancelToken,
    ) -> Result<StepOutcome, ExecError> {
        let stdin = stdio::nothing().map_err(ExecError::Descriptors)?;
        self.run_with(spec, stdin, Talk::Streams, output, cancel)
    }

    /// As [`Sandbox::run`], with something on the command's standard input.
    pub fn run_with_input(
        &self,
        spec: &StepSpec,
        stdin: OwnedFd,
        output: &mut dyn OutputSink,
        cancel: &CancelToken,
    ) -> Result<StepOutcome, ExecError> {
        self.run_with(spec, stdin, Talk::Streams, output, cancel)
    }

    /// As [`Sandbox::run`], for a person at a terminal: the command gets one of its own, which is
    /// its controlling terminal. When it is cancelled or the person's terminal hangs up, so does the
    /// command's.
    pub fn run_in_terminal(
        &self,
        spec: &StepSpec,
        terminal: &Terminal,
        cancel: &CancelToken,
    ) -> Result<StepOutcome, ExecError> {
        let (ours, theirs) = UnixStream::pair().map_err(ExecError::Descriptors)?;
        let (over, end) =
            pipe_with(PipeFlags::CLOEXEC).map_err(|errno| ExecError::Descriptors(errno.into()))?;
        thread::scope(|scope| {
            let relay = scope.spawn(move || terminal.relay(&ours, over.as_fd(), cancel));
            // This thread must not be the relay's: the step dies with the one that started it.
            let outcome = self.run_with(spec, theirs.into(), Talk::Terminal, &mut Nowhere, cancel);
            drop(end);
            let relayed = relay
                .join()
                .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
            let outcome = outcome?;
            relayed.map_err(ExecError::Terminal)?;
            Ok(outcome)
        })
    }

    fn run_with(
        &self,
        spec: &StepSpec,
        stdin: OwnedFd,
        talk: Talk,
        output: &mut dyn OutputSink,
        cancel: &CancelToken,
    ) -> Result<StepOutcome, ExecError> {
        if spec.argv.is_empty() {
            return Err(ExecError::NoProgram);
        }
        let listener = cancel.listen().map_err(ExecError::Descriptors)?;
        if cancel.is_fired() {
            return Ok(StepOutcome::Cancelled);
        }
        // Declared before init, so that it is removed after init and all others have left it.
        let cgroup;
        let (mut init, pipes) = InitProcess::start(&self.program, spec.network, stdin)?;
        let sent = init.channel().send_step(spec, &self.filters, talk);
        // While init mounts, its group is made.
        cgroup = self.cgroups.create();
        cgroup.admit(init.pid());
        // An init that fails early closes its end; what it reported says more than the broken pipe.
        let told = sent.and_then(|()| {
            init.channel().send(&Order::Go {
                groups: cgroup.doors(),
            })
        });
        let evidence = Watch::new(&mut init, pipes, output, cancel, &listener).until_the_end()?;
        evidence.outcome(told, &cgroup)
    }
}

/// A command at a terminal has no other output.
struct Nowhere;

impl OutputSink for Nowhere {
    fn output(&mut self, _: Stream, _: &[u8]) {}
}
