//! A dry run: the protocol of the cache without execution and without a trace.
//!
//! A step that would be executed makes a record in memory alone. What follows is looked up on it,
//! and an equal step of another stage finds it (rule C2), as in the build.

use std::collections::BTreeMap;
use std::sync::Mutex;

use iechor_cachedb::{CacheKey, Record, RecordId};
use iechor_image::ImageConfig;

use super::forecast::{Forecast, StepForecast, Verdict};
use super::session::{Session, lock};
use super::step::Step;
use crate::error::StepError;
use crate::progress::StepId;

/// Number of the first imagined record: above all that the index ever gives, for the newest of
/// several records has the greatest number.
const FIRST: i64 = 1 << 62;

/// What is known so far.
#[derive(Debug, Default)]
pub(crate) struct DryRun {
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    imagined: Vec<Imagined>,
    verdicts: BTreeMap<StepId, (Option<CacheKey>, Verdict)>,
}

/// A record that the build would make.
#[derive(Debug, Clone)]
pub(crate) struct Imagined {
    /// As far as it is known; no snapshot when that would have to be made.
    pub(crate) record: Record,
    /// The configuration after the step.
    pub(crate) config: ImageConfig,
    /// The step that would make the root file system, when it is not there.
    pub(crate) unmade: Option<String>,
}

impl DryRun {
    /// Takes a record under a number of its own.
    pub(crate) fn imagine(&self, mut imagined: Imagined) -> Record {
        let mut noted = lock(&self.noted);
        let number = i64::try_from(noted.imagined.len()).unwrap_or(i64::MAX - FIRST);
        imagined.record.id = RecordId(FIRST + number);
        let record = imagined.record.clone();
        noted.imagined.push(imagined);
        record
    }

    /// The imagined record of this number.
    pub(crate) fn imagined(&self, id: RecordId) -> Option<Imagined> {
        let place = usize::try_from(id.0.checked_sub(FIRST)?).ok()?;
        lock(&self.noted).imagined.get(place).cloned()
    }

    fn children(&self, parent: Option<RecordId>) -> Vec<Record> {
        let noted = lock(&self.noted);
        let records = noted.imagined.iter().map(|imagined| &imagined.record);
        records
            .filter(|record| record.parent == parent)
            .cloned()
            .collect()
    }

    fn note(&self, step: StepId, key: Option<CacheKey>, verdict: Verdict) {
        lock(&self.noted).verdicts.insert(step, (key, verdict));
    }
}

/// The records of the index and, in a dry run, those that are imagined.
impl Session<'_> {
    /// The newest child of `parent` with this key.
    pub(crate) fn lookup(
        &self,
        parent: Option<RecordId>,
        key: &CacheKey,
    ) -> Result<Option<Record>, StepError> {
        let imagined = self.imagined_children(parent);
        match imagined.into_iter().rfind(|record| record.key == *key) {
            Some(record) => Ok(Some(record)),
            None => Ok(self.cache().lookup(parent, key)?),
        }
    }

    /// The records made on this one, oldest first.
    pub(crate) fn children(&self, parent: RecordId) -> Result<Vec<Record>, StepError> {
        let mut children = self.cache().children(parent)?;
        children.extend(self.imagined_children(Some(parent)));
        Ok(children)
    }

    /// The record of this number.
    pub(crate) fn record(&self, id: RecordId) -> Result<Option<Record>, StepError> {
        match self.imagined(id) {
            Some(imagined) => Ok(Some(imagined.record)),
            None => Ok(self.cache().record(id)?),
        }
    }

    /// The configuration after the record's instruction.
    pub(crate) fn config_of(&self, id: RecordId) -> Result<ImageConfig, StepError> {
        match self.imagined(id) {
            Some(imagined) => Ok(imagined.config),
            None => Ok(ImageConfig::parse(self.cache().config(id)?.as_bytes())?),
        }
    }

    fn imagined(&self, id: RecordId) -> Option<Imagined> {
        self.dry_run()?.imagined(id)
    }

    fn imagined_children(&self, parent: Option<RecordId>) -> Vec<Record> {
        let children = |dry_run: &DryRun| dry_run.children(parent);
        self.dry_run().map(children).unwrap_or_default()
    }
}

/// What is said of the steps.
impl Session<'_> {
    /// Notes what would become of a step, in a dry run.
    pub(crate) fn foresee(&self, step: &Step<'_>, key: Option<CacheKey>, verdict: Verdict) {
        if let Some(dry_run) = self.dry_run() {
            dry_run.note(step.id, key, verdict);
        }
    }

    /// Everything that was noted.
    pub(crate) fn forecast(&self) -> Forecast {
        let verdicts = self.dry_run().map(|dry_run| lock(&dry_run.noted));
        let verdicts = verdicts.map(|noted| noted.verdicts.clone());
        let steps = verdicts.unwrap_or_default().into_iter();
        Forecast {
            steps: steps
                .map(|(id, (key, verdict))| self.step_forecast(id, key, verdict))
                .collect(),
        }
    }

    fn step_forecast(&self, id: StepId, key: Option<CacheKey>, verdict: Verdict) -> StepForecast {
        let info = self.info(id);
        StepForecast {
            label: info.label,
            text: info.text,
            line: info.line,
            key: key.map(|key| key.to_string()),
            verdict,
        }
    }
}
