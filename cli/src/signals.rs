//! Ctrl-C and its kin: the first asks the build to end, the second ends its step at once, the
//! third ends the program.
//!
//! The signals are blocked before the first thread starts and waited for by one thread, so that no
//! code ever runs in a signal handler.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use iechor_engine::CancelToken;
use nix::sys::signal::{SigSet, Signal};

use crate::error::{CliError, code};

/// The signals that end a command.
const ENDING: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// How often a user asks before the program ends on the spot. Its private mounts and the
/// processes of its step die with it.
const PATIENCE: usize = 3;

/// The signal that ended a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interruption(i32);

impl Interruption {
    /// 128 and the signal's number, as a shell says it.
    pub(crate) fn exit_code(self) -> u8 {
        u8::try_from(self.0).map_or(code::INTERNAL, |number| code::SIGNAL + number)
    }
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Signal::try_from(self.0) {
            Ok(signal) => f.write_str(signal.as_str()),
            Err(_) => write!(f, "signal {}", self.0),
        }
    }
}

/// Turns signals into requests to end.
#[derive(Debug, Clone)]
pub(crate) struct SignalWatch {
    cancel: CancelToken,
    first: Arc<AtomicI32>,
}

impl SignalWatch {
    /// Starts the thread that waits. Threads started later inherit the blocked signals; threads
    /// started earlier would die of them, so there must be none.
    pub(crate) fn start() -> Result<Self, CliError> {
        let signals: SigSet = ENDING.into_iter().collect();
        signals
            .thread_block()
            .map_err(|error| cannot_watch(&error))?;
        let watch = Self {
            cancel: CancelToken::default(),
            first: Arc::default(),
        };
        let waiting = watch.clone();
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || waiting.wait(signals))
            .map_err(|error| cannot_watch(&error))?;
        Ok(watch)
    }

    /// What the build looks at.
    pub(crate) fn cancel_token(&self) -> &CancelToken {
        &self.cancel
    }

    /// The first signal that came.
    pub(crate) fn interruption(&self) -> Option<Interruption> {
        match self.first.load(Ordering::Acquire) {
            0 => None,
            number => Some(Interruption(number)),
        }
    }

    fn wait(&self, signals: SigSet) {
        for _ in 1..PATIENCE {
            let Ok(signal) = signals.wait() else { return };
            self.take(signal);
        }
        if let Ok(signal) = signals.wait() {
            end_now(Interruption(signal as i32));
        }
    }

    fn take(&self, signal: Signal) {
        let number = signal as i32;
        let _seen_before =
            self.first
                .compare_exchange(0, number, Ordering::AcqRel, Ordering::Acquire);
        self.cancel.fire();
    }
}

#[expect(
    clippy::exit,
    reason = "asked three times, the user no longer wants an orderly end"
)]
fn end_now(interruption: Interruption) {
    std::process::exit(i32::from(interruption.exit_code()));
}

fn cannot_watch(error: &dyn std::error::Error) -> CliError {
    CliError::Internal(format!("cannot watch for signals: {error}"))
}
