//! Runs steps with Linux namespaces.

mod cgroup;
mod process;
mod program;
mod seccomp;
mod stdio;
mod verdict;
mod watch;

use crate::channel::Order;
use crate::{CancelToken, ExecError, OutputSink, StepOutcome, StepSpec};
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
        if spec.argv.is_empty() {
            return Err(ExecError::NoProgram);
        }
        let listener = cancel.listen().map_err(ExecError::Descriptors)?;
        if cancel.is_fired() {
            return Ok(StepOutcome::Cancelled);
        }
        // Declared before init, so that it is removed after init and all others have left it.
        let cgroup;
        let (mut init, pipes) = InitProcess::start(&self.program, spec.network)?;
        let sent = init.channel().send_step(spec, &self.filters);
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
