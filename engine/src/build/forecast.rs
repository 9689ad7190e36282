//! What a dry run says of a build.

use iechor_cachedb::MissReason;

/// What a build would do, step by step in the order of the plan.
#[derive(Debug, Clone)]
pub struct Forecast {
    /// Every step; triggers of a base image that is not here are not known.
    pub steps: Vec<StepForecast>,
}

/// What would become of one step.
#[derive(Debug, Clone)]
pub struct StepForecast {
    /// `[build 2/4]`.
    pub label: String,
    /// The instruction.
    pub text: String,
    /// Line in the file, counted from 1.
    pub line: Option<u32>,
    /// Cache key, `sha256:…`; none when it is not known, or depends on a result that is not there.
    pub key: Option<String>,
    /// What would become of it.
    pub verdict: Verdict,
}

/// What would become of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The cache has it.
    Hit,
    /// It would be executed.
    Run {
        /// Why, the most telling reason first.
        reasons: Vec<MissReason>,
    },
    /// The base image is not here: it would be fetched.
    Pull,
    /// That cannot be known before something else has happened.
    Open {
        /// What: `debian:12 is pulled`, `step build 2/4 is executed`.
        until: String,
    },
}

impl Forecast {
    /// How many steps would become this.
    pub fn count(&self, wanted: impl Fn(&Verdict) -> bool) -> usize {
        let steps = self.steps.iter();
        steps.filter(|step| wanted(&step.verdict)).count()
    }
}
