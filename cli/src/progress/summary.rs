//! The lines that end every build: how many steps, how many of them cached, what was written, where
//! the time went.

use std::fmt;
use std::time::Duration;

use iechor_engine::build::BuildReport;

use super::model::{Model, State, Step};
use super::text;
use crate::units::{Seconds, Size};

/// A step this quick is not worth a mention.
const WORTH_A_MENTION: Duration = Duration::from_millis(100);
/// Steps mentioned at most.
const MENTIONED: usize = 3;
/// Columns for the name of a step: the line fits a terminal of 80.
const TITLE: usize = 60;

/// A build in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Summary {
    /// Steps that the cache had.
    pub(super) hits: usize,
    /// Steps that were executed and ended well.
    pub(super) misses: usize,
    /// Steps that failed.
    pub(super) failed: usize,
    /// Steps that were interrupted.
    pub(super) cancelled: usize,
    /// Time in all.
    pub(super) duration: Duration,
    /// Bytes that were added to the store.
    pub(super) stored: u64,
    /// Bytes that outputs wrote.
    pub(super) exported: u64,
    /// The steps that took longest, the longest first.
    pub(super) longest: Vec<TimeSpent>,
}

/// Where a part of the time went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TimeSpent {
    /// The step.
    pub(super) title: String,
    /// How long it took.
    pub(super) took: Duration,
}

impl Summary {
    /// Counts.
    pub(super) fn of(model: &Model, report: &BuildReport) -> Self {
        let count =
            |wanted: fn(&Step) -> bool| model.steps().iter().filter(|step| wanted(step)).count();
        Self {
            hits: count(|step| step.state == State::Cached),
            misses: count(|step| step.why.is_some() && matches!(step.state, State::Done(_))),
            failed: count(|step| matches!(step.state, State::Failed(_))),
            cancelled: count(|step| step.state == State::Cancelled),
            duration: model.elapsed(),
            stored: report.stored(),
            exported: report.exported,
            longest: longest(model.steps()),
        }
    }

    /// Every step that was looked up or begun, each counted once, as the history does.
    pub(super) fn steps(&self) -> usize {
        self.hits + self.misses + self.failed + self.cancelled
    }

    /// Of all the time, in percent. Stages run side by side: together they may be more than 100.
    fn share(&self, took: Duration) -> u128 {
        let all = self.duration.as_millis().max(1);
        (took.as_millis() * 100 / all).min(100)
    }
}

fn longest(steps: &[Step]) -> Vec<TimeSpent> {
    let over = steps.iter().filter(|step| step.is_over());
    let mut spent: Vec<TimeSpent> = over
        .map(|step| TimeSpent {
            title: text::fit(&step.title(), TITLE),
            took: step.elapsed(),
        })
        .filter(|spent| spent.took >= WORTH_A_MENTION)
        .collect();
    spent.sort_by_key(|spent| std::cmp::Reverse(spent.took));
    spent.truncate(MENTIONED);
    spent
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hits, misses, .. } = self;
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let es = if *misses == 1 { "" } else { "es" };
        let steps = self.steps();
        write!(f, "{steps} step{}: ", plural(steps))?;
        write!(f, "{hits} hit{}, {misses} miss{es}", plural(*hits))?;
        if self.failed > 0 {
            write!(f, ", {} failed", self.failed)?;
        }
        if self.cancelled > 0 {
            write!(f, ", {} cancelled", self.cancelled)?;
        }
        write!(f, " in {}", Seconds(self.duration))?;
        if self.stored > 0 {
            write!(f, ", {} written", Size(self.stored))?;
        }
        if self.exported > 0 {
            write!(f, ", {} exported", Size(self.exported))?;
        }
        self.longest.iter().try_for_each(|spent| {
            let (took, share) = (Seconds(spent.took), self.share(spent.took));
            write!(f, "\n{took:>8} {share:>3} %  {}", spent.title)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(title: &str, millis: u64) -> TimeSpent {
        TimeSpent {
            title: title.to_owned(),
            took: Duration::from_millis(millis),
        }
    }

    #[test]
    fn reads_as_a_sentence_and_says_where_the_time_went() {
        let summary = Summary {
            hits: 3,
            misses: 1,
            duration: Duration::from_millis(4200),
            stored: 1_200_000,
            exported: 3_000_000,
            longest: vec![spent("[2/4] RUN make", 3100), spent("[3/4] RUN test", 840)],
            ..Summary::default()
        };
        let full = "4 steps: 3 hits, 1 miss in 4.2s, 1.2MB written, 3MB exported\n    \
                    3.1s  73 %  [2/4] RUN make\n    0.8s  20 %  [3/4] RUN test";
        assert_eq!(summary.to_string(), full);
    }

    #[test]
    fn says_nothing_of_what_did_not_happen() {
        let summary = Summary {
            hits: 1,
            duration: Duration::from_millis(40),
            ..Summary::default()
        };
        assert_eq!(summary.to_string(), "1 step: 1 hit, 0 misses in 0.0s");
        let failed = Summary {
            misses: 2,
            failed: 1,
            cancelled: 1,
            ..summary
        };
        assert_eq!(
            failed.to_string(),
            "5 steps: 1 hit, 2 misses, 1 failed, 1 cancelled in 0.0s"
        );
    }
}
