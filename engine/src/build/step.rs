//! One step: its key, the decision of the cache, its execution and its record.

pub(crate) mod foresee;

use std::time::{Duration, Instant};

use iechor_cachedb::{
    CacheKey, Durability, Explanation, Hint, KeyLock, MissReason, NewRecord, Place, Recipe, Record,
    RecordId, StepOutcome,
};
use iechor_frontend::ast::Statement;
use iechor_image::ImageConfig;
use iechor_snapshotter::{Chain, SnapshotId};

use super::history;
use super::session::Session;
use super::stage::StageState;
use crate::error::StepError;
use crate::lower::Lowered;
use crate::op::run::Surroundings;
use crate::op::{self, Done};
use crate::progress::{Event, StepId};

/// An instruction about to be built.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    /// Its number in this build.
    pub(crate) id: StepId,
    /// `[build 2/4]`.
    pub(crate) label: String,
    /// What was written.
    pub(crate) statement: &'a Statement,
    /// `RUN`.
    pub(crate) kind: &'static str,
    /// Where it stands.
    pub(crate) place: Place,
    /// The other stages, by index, that its base or files are from.
    pub(crate) takes_from: Vec<u32>,
    /// What a RUN gets from here on besides the configuration, where the step changes that.
    pub(crate) surroundings: Option<Surroundings>,
}

/// What the cache says about a step.
enum Decision {
    Hit(Box<Record>),
    Miss(Explanation),
}

/// What executing a step made.
pub(crate) struct Made {
    pub(crate) chain: Chain,
    pub(crate) config: ImageConfig,
    /// What a command was run with.
    setup: Option<String>,
}

/// Takes `state` through one step: from the cache if it can be, else by executing it; a dry run
/// only says which.
pub(crate) fn run(
    session: &Session<'_>,
    step: &Step<'_>,
    state: &mut StageState,
    lowered: Lowered,
) -> Result<(), StepError> {
    let recipe = recipe(step, state, &lowered);
    let begun = Instant::now();
    session.tell(Event::Started(step.id));
    let attempt = Attempt {
        session,
        step,
        key: recipe.key(),
        recipe,
        begun,
    };
    let decision = attempt.decide(state, &lowered)?;
    if let Some(dry_run) = session.dry_run() {
        return attempt.foresee(dry_run, state, lowered, decision);
    }
    match decision {
        Decision::Hit(record) => attempt.adopt(state, *record, &lowered),
        Decision::Miss(why) => attempt.miss(state, lowered, &why),
    }
}

fn recipe(step: &Step<'_>, state: &StageState, lowered: &Lowered) -> Recipe {
    Recipe {
        parent: state.key,
        kind: step.kind.to_owned(),
        instruction: lowered
            .instruction
            .clone()
            .unwrap_or_else(|| step.statement.canonical.clone()),
        shown: Some(first_line(&step.statement.original)),
        inputs: lowered.inputs.clone(),
    }
}

/// What listings show of an instruction that has several lines.
pub(crate) fn first_line(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    if lines.next().is_some() {
        first + " ..."
    } else {
        first
    }
}

/// A reason that no cached sibling was needed for.
fn told(reason: MissReason) -> Explanation {
    Explanation {
        sibling: None,
        reasons: vec![reason],
    }
}

/// What is known of a step that was executed and failed.
#[derive(Debug)]
pub(crate) struct Attempted<'a> {
    pub(crate) key: CacheKey,
    /// Why it was executed.
    pub(crate) reasons: &'a [MissReason],
    pub(crate) took: Duration,
}

struct Attempt<'a> {
    session: &'a Session<'a>,
    step: &'a Step<'a>,
    recipe: Recipe,
    key: CacheKey,
    begun: Instant,
}

impl Attempt<'_> {
    /// Rules C1, C2, C9, C10, C11: whether a cached result may be used, and if not, why.
    fn decide(&self, state: &StageState, lowered: &Lowered) -> Result<Decision, StepError> {
        if let Some(reason) = self.forbidden(lowered) {
            return Ok(Decision::Miss(told(reason)));
        }
        match self.usable(state.record)? {
            Some(record) => Ok(Decision::Hit(Box::new(record))),
            None => self.explain(state).map(Decision::Miss),
        }
    }

    /// Why nothing may be looked up. FROM always may: its digest says all that there is to say.
    ///
    /// What follows a miss in its own stage (rule C9) need not be forbidden: it is looked up on a
    /// record that was made a moment ago, where only another build under way can have put a result
    /// of the very same parent.
    fn forbidden(&self, lowered: &Lowered) -> Option<MissReason> {
        if self.step.kind == "FROM" {
            return None;
        }
        let policy = self.session.lookup_forbidden(self.step.place.stage_index);
        policy.or_else(|| {
            lowered
                .anew
                .as_ref()
                .map(|step| MissReason::FollowsStep { step: step.clone() })
        })
    }

    /// The cached result, leased, if there is one and its snapshot is still there.
    fn usable(&self, parent: Option<RecordId>) -> Result<Option<Record>, StepError> {
        let Some(record) = self.newest(parent)? else {
            return Ok(None);
        };
        if let Some(snapshot) = record.snapshot {
            self.session.lease(snapshot)?;
            // A prune may have been faster than the lease: then the row is gone by now.
            let stands = self.session.record(record.id)?.is_some();
            if !stands || !self.session.store().contains(snapshot) {
                return Ok(None);
            }
        }
        Ok(Some(record))
    }

    /// The newest result of this instruction on this parent, but for what another stage of this
    /// very build made because it was told to look nothing up: rule C11 leaves this stage out of
    /// that, and what it hits must not depend on which of them is faster.
    fn newest(&self, parent: Option<RecordId>) -> Result<Option<Record>, StepError> {
        let newest = self.session.lookup(parent, &self.key)?;
        let Some((record, parent)) = newest.as_ref().zip(parent) else {
            return Ok(newest);
        };
        if !self.session.was_forced(record.id) {
            return Ok(newest);
        }
        let siblings = self.session.children(parent)?.into_iter();
        let others =
            siblings.filter(|other| other.key == self.key && !self.session.was_forced(other.id));
        Ok(others.max_by_key(|other| other.id).or(newest))
    }

    fn explain(&self, state: &StageState) -> Result<Explanation, StepError> {
        if let Some(step) = &state.anew {
            return Ok(told(MissReason::FollowsStep { step: step.clone() }));
        }
        let cache = self.session.cache();
        let previous = cache
            .previous_at(&self.step.place)?
            .filter(|record| record.kind == self.step.kind);
        let fallback = previous.map(|record| record.id);
        let hint = Hint {
            place: &self.step.place,
            fallback,
            now: self.session.now(),
        };
        Ok(cache.explain(state.record, &self.recipe, &hint)?)
    }

    fn adopt(
        &self,
        state: &mut StageState,
        record: Record,
        lowered: &Lowered,
    ) -> Result<(), StepError> {
        if let Some(witness) = &lowered.witness {
            self.session
                .warn_of_moved_ctimes(self.step, record.id, witness)?;
        }
        let config = self.session.config_of(record.id)?;
        self.session.tell(Event::Hit(self.step.id));
        self.session.note(
            self.step,
            &record,
            state.record,
            StepOutcome::Hit,
            &[],
            self.begun.elapsed(),
        );
        state.advance(&record, config);
        Ok(())
    }

    fn miss(
        &self,
        state: &mut StageState,
        lowered: Lowered,
        why: &Explanation,
    ) -> Result<(), StepError> {
        let lock = KeyLock::acquire(&self.session.lock_dir(), &self.key, &|| {
            self.session.cancelled()
        })?;
        let _lock = lock.ok_or(StepError::Cancelled)?;
        // Another build may have made it while this one waited.
        if self.forbidden(&lowered).is_none()
            && let Some(record) = self.usable(state.record)?
        {
            return self.adopt(state, record, &lowered);
        }
        self.session
            .tell(Event::Miss(self.step.id, why.first().to_string()));
        self.execute(state, lowered, why)
    }

    fn execute(
        &self,
        state: &mut StageState,
        lowered: Lowered,
        why: &Explanation,
    ) -> Result<(), StepError> {
        let witness = lowered.witness.clone();
        let forced = self.forbidden(&lowered).is_some();
        let made = match self.make(state, lowered) {
            Ok(made) => made,
            Err(error) => return Err(self.failed(state, why, error)),
        };
        let record = self.record(state, &made)?;
        if forced {
            self.session.force(record.id);
        }
        if let Some(setup) = &made.setup {
            self.session.cache().put_run_setup(record.id, setup)?;
        }
        if let Some(witness) = witness {
            self.session.cache().put_witness(record.id, &witness)?;
        }
        let took = self.begun.elapsed();
        self.session.note(
            self.step,
            &record,
            state.record,
            StepOutcome::Miss,
            &why.reasons,
            took,
        );
        self.session.tell(Event::Finished(self.step.id, took));
        state.advance(&record, made.config);
        state.anew = Some(self.session.step_name(self.step));
        Ok(())
    }

    fn make(&self, state: &mut StageState, lowered: Lowered) -> Result<Made, StepError> {
        let below = state.open(self.session.store())?.clone();
        let Done { chain, setup } =
            op::execute(self.session, self.step, &below, lowered.operation)?;
        let layers = chain.layers().len() - below.layers().len().min(chain.layers().len());
        let config = history::with_entry(
            lowered.config,
            &lowered.created_by,
            layers,
            self.session.created(),
        );
        Ok(Made {
            chain,
            config,
            setup,
        })
    }

    /// Rule C19: nothing is recorded; what a failed command left is kept for people to look at.
    fn failed(&self, state: &StageState, why: &Explanation, error: StepError) -> StepError {
        let attempted = Attempted {
            key: self.key,
            reasons: &why.reasons,
            took: self.begun.elapsed(),
        };
        self.session
            .note_failure(self.step, state.record, Some(attempted), &error);
        error
    }

    fn record(&self, state: &StageState, made: &Made) -> Result<Record, StepError> {
        let snapshot: Option<SnapshotId> = made.chain.tip();
        if let Some(snapshot) = snapshot {
            self.session.lease(snapshot)?;
        }
        let new = NewRecord {
            parent: state.record,
            place: self.step.place.clone(),
            snapshot,
            config: String::from_utf8_lossy(&made.config.to_bytes()?).into_owned(),
            created: self.session.now(),
            duration_ms: u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            own_bytes: self.own_bytes(state, snapshot)?,
            durability: Durability::Sealed,
        };
        let record = self.session.cache().insert(&new, &self.recipe)?;
        self.session.made(record.id);
        Ok(record)
    }

    /// What the step added to the store; nothing when it changed no file.
    fn own_bytes(
        &self,
        state: &StageState,
        snapshot: Option<SnapshotId>,
    ) -> Result<u64, StepError> {
        match snapshot {
            Some(id) if state.tip() != Some(id) => Ok(self.session.store().usage(id)?.own),
            _ => Ok(0),
        }
    }
}
