//! What a dry run says of a step, and what it goes on with.

use iechor_cachedb::{Durability, Explanation, MissReason, Record, RecordId};
use iechor_snapshotter::SnapshotId;

use super::{Attempt, Decision, Step};
use crate::build::dry_run::{DryRun, Imagined};
use crate::build::forecast::Verdict;
use crate::build::session::Session;
use crate::build::stage::StageState;
use crate::error::StepError;
use crate::lower::Lowered;
use crate::op::Operation;

impl Attempt<'_> {
    /// Says what the build would do and takes `state` through the step as far as that is known.
    pub(super) fn foresee(
        &self,
        dry_run: &DryRun,
        state: &mut StageState,
        lowered: Lowered,
        decision: Decision,
    ) -> Result<(), StepError> {
        match decision {
            Decision::Hit(record) => self.foresee_hit(dry_run, state, *record, &lowered),
            Decision::Miss(why) => {
                self.foresee_run(dry_run, state, lowered, why);
                Ok(())
            }
        }
    }

    fn foresee_hit(
        &self,
        dry_run: &DryRun,
        state: &mut StageState,
        record: Record,
        lowered: &Lowered,
    ) -> Result<(), StepError> {
        let imagined = dry_run.imagined(record.id);
        let key = Some(record.key);
        self.adopt(state, record, lowered)?;
        if let Some(imagined) = imagined {
            state.unmade = imagined.unmade;
        }
        self.session.foresee(self.step, key, Verdict::Hit);
        Ok(())
    }

    fn foresee_run(
        &self,
        dry_run: &DryRun,
        state: &mut StageState,
        lowered: Lowered,
        why: Explanation,
    ) {
        let name = self.session.step_name(self.step);
        let forced = self.forbidden(&lowered).is_some();
        let (snapshot, unmade) = self.result(state, &lowered.operation);
        let record = dry_run.imagine(Imagined {
            record: self.imagined_record(state, snapshot),
            config: lowered.config.clone(),
            unmade: unmade.clone(),
        });
        if forced {
            self.session.force(record.id);
        }
        state.advance(&record, lowered.config);
        state.unmade = unmade;
        state.anew = Some(name);
        let verdict = Verdict::Run {
            reasons: why.reasons,
        };
        self.session.foresee(self.step, Some(self.key), verdict);
    }

    /// The snapshot after the step, else the step that would make it.
    fn result(
        &self,
        state: &StageState,
        operation: &Operation,
    ) -> (Option<SnapshotId>, Option<String>) {
        match operation {
            Operation::Nothing => (state.tip(), state.unmade.clone()),
            Operation::Base(chain) => (chain.tip(), None),
            Operation::Workdir(_) | Operation::Copy(_) | Operation::Run(_) => {
                (None, Some(self.session.step_name(self.step)))
            }
        }
    }

    fn imagined_record(&self, state: &StageState, snapshot: Option<SnapshotId>) -> Record {
        let now = self.session.now();
        Record {
            id: RecordId(0),
            parent: state.record,
            key: self.key,
            kind: self.recipe.kind.clone(),
            text: self.recipe.text().to_owned(),
            place: self.step.place.clone(),
            snapshot,
            created: now,
            last_used: now,
            use_sequence: 0,
            hits: 0,
            duration_ms: 0,
            own_bytes: 0,
            durability: Durability::Sealed,
        }
    }
}

/// FROM of an image that is not here: nothing of the stage is known before it is.
pub(crate) fn pull(
    session: &Session<'_>,
    step: &Step<'_>,
    state: &mut StageState,
    error: StepError,
) -> Result<(), StepError> {
    let Some(until) = error.unforeseeable() else {
        return Err(error);
    };
    state.blind = Some(until.to_owned());
    session.foresee(step, None, Verdict::Pull);
    Ok(())
}

/// An instruction whose key depends on what is not there.
pub(crate) fn lose_sight(
    session: &Session<'_>,
    step: &Step<'_>,
    state: &mut StageState,
    error: StepError,
) -> Result<(), StepError> {
    let Some(until) = error.unforeseeable() else {
        return Err(error);
    };
    let until = until.to_owned();
    blindly(session, step, state, until.clone());
    state.blind = Some(until);
    Ok(())
}

/// Of a step without a key this much is certain: it is executed when the cache is not asked
/// (rules C10, C11), and when a step before it is (rule C9).
pub(crate) fn blindly(
    session: &Session<'_>,
    step: &Step<'_>,
    state: &mut StageState,
    until: String,
) {
    let follows = |step: &String| MissReason::FollowsStep { step: step.clone() };
    let forbidden = session.lookup_forbidden(step.place.stage_index);
    let verdict = match forbidden.or_else(|| state.anew.as_ref().map(follows)) {
        None => Verdict::Open { until },
        Some(reason) => {
            state.anew = Some(session.step_name(step));
            Verdict::Run {
                reasons: vec![reason],
            }
        }
    };
    session.foresee(step, None, verdict);
}
