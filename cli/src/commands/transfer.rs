//! What `pull` and `push` have in common: one step that moves bytes, and its progress.

use std::time::Instant;

use iechor_engine::{Event, ProgressSink, StepId, StepInfo};

use crate::error::CliError;
use crate::progress::{self, Mode, Progress};
use crate::session::Session;

/// The only step.
pub(super) const STEP: StepId = StepId(0);

/// Runs `work` as a step called `label`, with its progress on standard error.
pub(super) fn shown<T>(
    session: &Session,
    mode: Option<Mode>,
    (label, text): (&str, &str),
    work: impl FnOnce(&dyn ProgressSink) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let progress = Progress::start(progress::choose(mode)?, session.ui.color())?;
    let info = StepInfo {
        id: STEP,
        label: label.to_owned(),
        text: text.to_owned(),
        line: None,
    };
    progress.event(Event::Planned(info));
    progress.event(Event::Started(STEP));
    let begun = Instant::now();
    let result = work(&progress);
    progress.event(match &result {
        Ok(_) => Event::Finished(STEP, begun.elapsed()),
        Err(error) => Event::Failed(STEP, error.to_string()),
    });
    progress.finish_transfer();
    result
}
