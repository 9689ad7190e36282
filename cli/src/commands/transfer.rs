//! What `pull` and `push` have in common: one step that moves bytes, and its progress.

use std::time::Instant;

use clap::Args;
use iechor_engine::{Event, ProgressSink, StepId, StepInfo};

use crate::error::CliError;
use crate::progress::{self, Mode, Progress, Work};
use crate::session::Session;

/// The only step.
pub(super) const STEP: StepId = StepId(0);

/// How it is shown.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// How progress is shown [default: $IECHOR_PROGRESS, $BUILDKIT_PROGRESS, else auto]
    #[arg(long, value_enum)]
    progress: Option<Mode>,
    /// Show no progress; print the digest
    #[arg(short, long)]
    quiet: bool,
}

impl ShowArgs {
    /// Whether the digest is all that is wanted.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet || self.progress == Some(Mode::Quiet)
    }

    fn mode(&self) -> Result<Mode, CliError> {
        match self.is_quiet() {
            true => Ok(Mode::Quiet),
            false => progress::choose(self.progress),
        }
    }
}

/// Runs `act` as a step called `label`, with its progress on standard error.
pub(super) fn shown<T>(
    session: &Session,
    args: &ShowArgs,
    (work, label, text): (Work, &str, &str),
    act: impl FnOnce(&dyn ProgressSink) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let progress = Progress::start(work, args.mode()?, session.ui.color())?;
    let info = StepInfo {
        id: STEP,
        label: label.to_owned(),
        text: text.to_owned(),
        line: None,
    };
    progress.event(Event::Planned(info));
    progress.event(Event::Started(STEP));
    let begun = Instant::now();
    let result = act(&progress);
    progress.event(match &result {
        Ok(_) => Event::Finished(STEP, begun.elapsed()),
        Err(error) => Event::Failed(STEP, error.to_string()),
    });
    progress.finish_transfer();
    result
}
