//! From what was seen of a step to how it ended.

use std::io;

use rustix::process::WaitIdStatus;

use super::cgroup::Cgroup;
use crate::channel::{Ending, Report};
use crate::{ExecError, StepOutcome};

/// All that was seen of a step that has ended.
#[derive(Debug)]
pub(crate) struct Evidence {
    /// What init said.
    pub(crate) report: Option<Report>,
    /// How init itself ended.
    pub(crate) init: Option<WaitIdStatus>,
    /// Whether the step had been asked to end.
    pub(crate) cancelled: bool,
}

impl Evidence {
    /// Weighs it. `told` is how telling init about its step went.
    pub(crate) fn outcome(
        self,
        told: io::Result<()>,
        cgroup: &Cgroup,
    ) -> Result<StepOutcome, ExecError> {
        match self.report {
            _ if self.cancelled => Ok(StepOutcome::Cancelled),
            Some(Report::Failed { fault }) => Err(fault.into()),
            Some(Report::Ended {
                ending: Ending::Exited { code },
            }) => Ok(StepOutcome::Exited(code)),
            Some(Report::Ended {
                ending: Ending::Signaled { signal },
            }) => Ok(signaled(signal, cgroup)),
            None => self.without_report(told, cgroup),
        }
    }

    /// Init may be the one that the OOM killer chose.
    fn without_report(
        &self,
        told: io::Result<()>,
        cgroup: &Cgroup,
    ) -> Result<StepOutcome, ExecError> {
        match self
            .init
            .as_ref()
            .and_then(WaitIdStatus::terminating_signal)
        {
            Some(libc::SIGKILL) if cgroup.out_of_memory() => Ok(signaled(libc::SIGKILL, cgroup)),
            Some(signal) => Err(ExecError::InitKilled { signal }),
            None => Err(told.map_or_else(ExecError::Watch, |()| ExecError::InitLost)),
        }
    }
}

fn signaled(signal: i32, cgroup: &Cgroup) -> StepOutcome {
    let out_of_memory = signal == libc::SIGKILL && cgroup.out_of_memory();
    StepOutcome::Signaled {
        signal,
        out_of_memory,
    }
}
