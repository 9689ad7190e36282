//! Why there is nothing behind a name that once had a result, or might have had one.

use std::fmt;

use iechor_cachedb::{BuildStep, CacheError, MissReason, StepOutcome, UnixMillis};

use super::{ReferenceError, prefix};
use crate::build::clock::Clock;
use crate::state::Engine;

/// Digits that a text must have to be taken for the key of something pruned: shorter ones fit too
/// much of what is long gone.
const TELLING: usize = 6;

/// What became of a step that has no result. `Display` goes on from its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// It failed, and what it left is kept.
    Failed,
    /// It failed, and what it left is not kept, or not any more.
    FailedWithoutState,
    /// It was interrupted.
    Cancelled,
    /// An earlier one failed.
    Skipped,
    /// Its record was pruned; so long ago, where that was kept.
    Pruned {
        /// In milliseconds.
        ago_ms: Option<u64>,
    },
}

impl Absence {
    pub(super) fn of(found: &BuildStep) -> Self {
        match found.step.outcome {
            StepOutcome::Hit | StepOutcome::Miss => Self::Pruned {
                ago_ms: found.pruned.map(since),
            },
            StepOutcome::Failed if found.step.snapshot.is_some() => Self::Failed,
            StepOutcome::Failed => Self::FailedWithoutState,
            StepOutcome::Cancelled => Self::Cancelled,
            StepOutcome::Skipped => Self::Skipped,
        }
    }
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed => "failed and has no result: --failed stands for what it left",
            Self::FailedWithoutState => {
                "failed and has no result, and what it left is not kept: build again"
            }
            Self::Cancelled => "was interrupted and has no result: build again",
            Self::Skipped => "was not begun, for an earlier one failed: build again",
            Self::Pruned { ago_ms: None } => "was pruned: build again",
            Self::Pruned {
                ago_ms: Some(ago_ms),
            } => {
                let pruned = MissReason::Pruned { ago_ms: *ago_ms };
                return write!(f, "was {pruned}: build again");
            }
        })
    }
}

/// What a text that names nothing is told when a record of such a key was pruned.
pub(super) fn of_key(engine: &Engine, text: &str) -> Result<Option<ReferenceError>, CacheError> {
    let Some(digits) = prefix::digits_of(text).filter(|digits| digits.len() >= TELLING) else {
        return Ok(None);
    };
    let pruned = engine.cache().pruned_by_prefix(digits)?;
    Ok(pruned.map(|when| ReferenceError::Pruned {
        key: text.to_owned(),
        pruned: MissReason::Pruned {
            ago_ms: since(when),
        },
    }))
}

/// Milliseconds from then till now.
fn since(when: UnixMillis) -> u64 {
    Clock::start(None).now().since(when)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pruned_tells_how_long_ago_where_that_was_kept() {
        let told = |ago_ms| Absence::Pruned { ago_ms }.to_string();
        assert_eq!(told(Some(2 * 3_600_000)), "was pruned 2 h ago: build again");
        assert_eq!(told(None), "was pruned: build again");
    }
}
