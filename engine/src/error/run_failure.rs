//! A RUN command that ended badly.

use std::fmt;
use std::path::PathBuf;

use iechor_executor::StepOutcome;
use iechor_snapshotter::SnapshotId;

/// How a command failed, and what it left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFailure {
    /// Its exit code or signal.
    pub outcome: StepOutcome,
    /// The file system as it was, for `iechor mount --failed`.
    pub left: Option<SnapshotId>,
    /// Whether that is kept after the build.
    pub kept: bool,
    /// Its whole output.
    pub log: Option<PathBuf>,
    /// What it was run with, in the form in which it is kept.
    pub(crate) setup: Option<String>,
}

/// The commands to go on with, last so that they are what the eye falls on.
const GOING_ON: [&str; 2] = [
    "`iechor shell --failed` is a shell in the step as the command left it",
    "`iechor mount --failed` shows the file system as the command left it",
];

impl RunFailure {
    /// The command's own exit code; 128 and the number for a signal.
    pub fn exit_code(&self) -> Option<u8> {
        match self.outcome {
            StepOutcome::Exited(code) => Some(code),
            StepOutcome::Signaled { signal, .. } => u8::try_from(128 + signal).ok(),
            StepOutcome::Cancelled => None,
        }
    }

    /// What to do next.
    pub(crate) fn hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        if let Some(log) = &self.log {
            hints.push(format!(
                "`iechor logs` shows the whole output, which is in {}",
                log.display()
            ));
        }
        if self.exit_code() == Some(127) {
            hints.push(
                "exit code 127 is the shell's: the program is not in the image, or not in PATH"
                    .to_owned(),
            );
        }
        if self.kept && self.left.is_some() {
            hints.extend(GOING_ON.map(str::to_owned));
        }
        hints
    }
}

impl fmt::Display for RunFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.outcome {
            StepOutcome::Exited(code) => write!(f, "the command ended with exit code {code}"),
            StepOutcome::Signaled {
                signal,
                out_of_memory: false,
            } => {
                write!(f, "the command was ended by {}", signal_name(signal))
            }
            StepOutcome::Signaled {
                signal,
                out_of_memory: true,
            } => {
                write!(
                    f,
                    "the command was ended by {}: it ran out of memory",
                    signal_name(signal)
                )
            }
            StepOutcome::Cancelled => f.write_str("the command was cancelled"),
        }
    }
}

/// `signal 9 (SIGKILL)`.
fn signal_name(signal: i32) -> String {
    const NAMES: [(i32, &str); 14] = [
        (1, "SIGHUP"),
        (2, "SIGINT"),
        (3, "SIGQUIT"),
        (4, "SIGILL"),
        (5, "SIGTRAP"),
        (6, "SIGABRT"),
        (7, "SIGBUS"),
        (8, "SIGFPE"),
        (9, "SIGKILL"),
        (11, "SIGSEGV"),
        (13, "SIGPIPE"),
        (14, "SIGALRM"),
        (15, "SIGTERM"),
        (31, "SIGSYS"),
    ];
    match NAMES.iter().find(|(number, _)| *number == signal) {
        Some((_, name)) => format!("signal {signal} ({name})"),
        None => format!("signal {signal}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_or_the_signal_is_named() {
        let failure = |outcome| RunFailure {
            outcome,
            left: None,
            kept: false,
            log: None,
            setup: None,
        };
        let text = |outcome| failure(outcome).to_string();
        assert_eq!(
            text(StepOutcome::Exited(7)),
            "the command ended with exit code 7"
        );
        let killed = StepOutcome::Signaled {
            signal: 9,
            out_of_memory: true,
        };
        assert_eq!(
            text(killed),
            "the command was ended by signal 9 (SIGKILL): it ran out of memory"
        );
        assert_eq!(failure(killed).exit_code(), Some(137));
    }
}
