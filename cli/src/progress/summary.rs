//! The line that ends every build: how many steps, how many of them cached, where the time went.

use std::fmt;
use std::time::Duration;

use iechor_engine::build::BuildOutcome;

use super::model::{Model, State, Step};
use super::text;
use crate::units::{Seconds, Size};

/// A step this quick is not worth a mention.
const WORTH_A_MENTION: Duration = Duration::from_millis(100);
/// Columns for the name of the longest step.
const TITLE: usize = 48;

/// A build in numbers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Summary {
    /// Steps that the cache had.
    pub(super) hits: usize,
    /// Steps that were executed.
    pub(super) misses: usize,
    /// Time in all.
    pub(super) duration: Duration,
    /// Bytes that were added to the store; none when the build failed.
    pub(super) written: Option<u64>,
    /// The step that took longest, and how long.
    pub(super) longest: Option<(String, Duration)>,
}

impl Summary {
    /// Counts.
    pub(super) fn of(model: &Model, outcome: Option<&BuildOutcome>) -> Self {
        let count =
            |wanted: fn(&Step) -> bool| model.steps().iter().filter(|step| wanted(step)).count();
        Self {
            hits: count(|step| step.state == State::Cached),
            misses: count(|step| step.why.is_some()),
            duration: model.elapsed(),
            written: outcome.map(|outcome| outcome.steps.iter().map(|step| step.bytes).sum()),
            longest: longest(model.steps()),
        }
    }
}

fn longest(steps: &[Step]) -> Option<(String, Duration)> {
    let step = steps
        .iter()
        .filter(|step| step.is_over())
        .max_by_key(|step| step.elapsed())?;
    let duration = step.elapsed();
    (duration >= WORTH_A_MENTION).then(|| (text::fit(&step.title(), TITLE), duration))
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hits, misses, .. } = self;
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let es = if *misses == 1 { "" } else { "es" };
        let steps = hits + misses;
        write!(
            f,
            "{steps} step{}: {hits} hit{}, ",
            plural(steps),
            plural(*hits)
        )?;
        write!(f, "{misses} miss{es} in {}", Seconds(self.duration))?;
        if let Some(bytes) = self.written.filter(|bytes| *bytes > 0) {
            write!(f, ", {} written", Size(bytes))?;
        }
        match &self.longest {
            Some((title, duration)) => write!(f, "; longest: {title} {}", Seconds(*duration)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_a_sentence() {
        let mut summary = Summary {
            hits: 3,
            misses: 1,
            duration: Duration::from_millis(4200),
            written: Some(1_200_000),
            longest: Some(("[2/4] RUN make".into(), Duration::from_millis(3100))),
        };
        let full = "4 steps: 3 hits, 1 miss in 4.2s, 1.2MB written; longest: [2/4] RUN make 3.1s";
        assert_eq!(summary.to_string(), full);
        summary = Summary {
            hits: 1,
            misses: 0,
            written: Some(0),
            longest: None,
            ..summary
        };
        assert_eq!(summary.to_string(), "1 step: 1 hit, 0 misses in 4.2s");
    }
}
