//! One stage: from its base through its instructions.

use iechor_cachedb::{CacheKey, Input, Place, Record, RecordId};
use iechor_frontend::ast::{Instruction, InstructionKind, Stage, Statement};
use iechor_image::ImageConfig;
use iechor_snapshotter::{Chain, SnapshotId, SnapshotStore};

use super::forecast::Verdict;
use super::plan::{self, Base, PlannedStage};
use super::scope::StageScope;
use super::session::Session;
use super::step::{self, Step, foresee};
use crate::error::{BuildError, StepError};
use crate::lower::{self, Lowered};
use crate::op::Operation;
use crate::op::run::Surroundings;
use crate::progress::{Event, StepId};

/// Where a stage stands after a step.
#[derive(Debug, Clone)]
pub(crate) struct StageState {
    /// The configuration so far; its diff IDs are filled in when the image is finished.
    pub(crate) config: ImageConfig,
    /// The record of the last step; what the next one is looked up under.
    pub(crate) record: Option<RecordId>,
    /// Its key.
    pub(crate) key: Option<CacheKey>,
    /// The step that was executed anew, if one was: what follows it is, too (rule C9).
    pub(crate) anew: Option<String>,
    /// In a dry run, the step that would have made the root file system, which is not there.
    pub(crate) unmade: Option<String>,
    /// In a dry run, what would have to happen before anything more can be known of the stage.
    pub(crate) blind: Option<String>,
    rootfs: Rootfs,
}

/// The root file system; a build of hits alone never maps its layers.
#[derive(Debug, Clone)]
enum Rootfs {
    Closed(Option<SnapshotId>),
    Open(Chain),
}

impl StageState {
    fn empty(config: ImageConfig) -> Self {
        Self {
            config,
            record: None,
            key: None,
            anew: None,
            unmade: None,
            blind: None,
            rootfs: Rootfs::Closed(None),
        }
    }

    /// The snapshot on top.
    pub(crate) fn tip(&self) -> Option<SnapshotId> {
        match &self.rootfs {
            Rootfs::Closed(tip) => *tip,
            Rootfs::Open(chain) => chain.tip(),
        }
    }

    /// The root file system, its layers mapped.
    pub(crate) fn open(&mut self, store: &SnapshotStore) -> Result<&Chain, StepError> {
        if let Rootfs::Closed(tip) = self.rootfs {
            let chain = tip.map_or_else(|| Ok(Chain::empty()), |tip| store.chain(tip))?;
            self.rootfs = Rootfs::Open(chain);
        }
        match &self.rootfs {
            Rootfs::Open(chain) => Ok(chain),
            Rootfs::Closed(_) => Err(StepError::Lost),
        }
    }

    /// Takes over what a step made.
    pub(crate) fn advance(&mut self, record: &Record, config: ImageConfig) {
        self.config = config;
        self.record = Some(record.id);
        self.key = Some(record.key);
        if record.snapshot != self.tip() {
            self.rootfs = Rootfs::Closed(record.snapshot);
        }
    }
}

/// Builds one stage; the stages that it needs are done.
pub(crate) fn build(
    session: &Session<'_>,
    index: usize,
    planned: &PlannedStage,
) -> Result<StageState, BuildError> {
    let stage = &session.file().stages[index];
    let mut build = StageBuild {
        session,
        index,
        stage,
        planned,
        scope: StageScope::new(&session.plan.globals),
        state: StageState::empty(ImageConfig::scratch(&planned.platform)),
        position: 0,
    };
    build.base()?;
    build.triggers()?;
    for instruction in &stage.instructions {
        let id = session.planned_step(index, build.position);
        build.instruction(instruction, id, &session.loaded.text)?;
    }
    Ok(build.state)
}

struct StageBuild<'a> {
    session: &'a Session<'a>,
    index: usize,
    stage: &'a Stage,
    planned: &'a PlannedStage,
    scope: StageScope<'a>,
    state: StageState,
    /// Place of the next instruction in the stage, FROM being 0.
    position: u32,
}

impl StageBuild<'_> {
    /// FROM: another stage's state as it is, or an image by digest (rule C18).
    fn base(&mut self) -> Result<(), BuildError> {
        let id = self.session.planned_step(self.index, 0);
        let base = match self.planned.base {
            Base::Stage(index) => vec![index],
            Base::Image(_) => Vec::new(),
        };
        let mut step = self.next_step(&self.stage.statement, "FROM", id, &base);
        // Without options of the build there is nothing to say, nor to write.
        step.surroundings = Some(self.surroundings()).filter(|around| !around.is_plain());
        match &self.planned.base {
            Base::Stage(index) => self.continue_stage(&step, *index),
            Base::Image(spec) => self
                .start_from_image(&step, spec)
                .or_else(|error| foresee::pull(self.session, &step, &mut self.state, error))
                .map_err(|error| self.session.fail(&step, self.stage.base.span(), error)),
        }
    }

    /// The new stage's children are those of the other stage's last record, so that equal
    /// instructions in both are one result (rule C2).
    fn continue_stage(&mut self, step: &Step<'_>, index: usize) -> Result<(), BuildError> {
        self.session.tell(Event::Started(step.id));
        self.state = self
            .session
            .stage_result(index)
            .ok_or(BuildError::Cancelled)?;
        self.session.tell(Event::Hit(step.id));
        self.session.note_continuation(step, &self.state);
        self.session.foresee(step, self.state.key, Verdict::Hit);
        Ok(())
    }

    fn start_from_image(&mut self, step: &Step<'_>, spec: &str) -> Result<(), StepError> {
        let base = self
            .session
            .base_image(spec, &self.planned.platform, step.id)?;
        self.session.lease_chain(&base.chain)?;
        let platform = self.planned.platform.to_string();
        let lowered = Lowered {
            instruction: Some("FROM".to_owned()),
            inputs: vec![
                Input::base(&base.name, base.digest),
                Input::platform(&platform),
            ],
            config: base.config,
            operation: Operation::Base(base.chain),
            created_by: None,
            anew: None,
            witness: None,
        };
        step::run(self.session, step, &mut self.state, lowered)?;
        // A base that is new to this cache is no step executed anew: its digest says it all.
        self.state.anew = None;
        Ok(())
    }

    /// The base image's ONBUILD triggers, as if they stood after FROM.
    fn triggers(&mut self) -> Result<(), BuildError> {
        let texts = std::mem::take(&mut self.state.config.config.on_build);
        for text in texts {
            let trigger =
                iechor_frontend::parse_trigger(&text, self.session.file().directives.escape)
                    .map_err(|found| trigger_errors(&text, &found))?;
            let id = self
                .session
                .extra_step(self.index, &trigger.statement, &self.stage.statement);
            self.instruction(&trigger, id, &text)?;
        }
        Ok(())
    }

    fn instruction(
        &mut self,
        instruction: &Instruction,
        id: StepId,
        text: &str,
    ) -> Result<(), BuildError> {
        if self.session.cancelled() {
            return Err(BuildError::Cancelled);
        }
        let sources: Vec<usize> = plan::sources(self.session.file(), instruction).collect();
        let keyword = instruction.keyword().name();
        let mut step = self.next_step(&instruction.statement, keyword, id, &sources);
        let result = match self.state.blind.clone() {
            Some(until) => {
                foresee::blindly(self.session, &step, &mut self.state, until);
                Ok(())
            }
            None => self
                .lower_and_run(&mut step, instruction)
                .or_else(|error| foresee::lose_sight(self.session, &step, &mut self.state, error)),
        };
        result.map_err(|error| {
            self.session
                .fail_in(&step, instruction.statement.span, error, text)
        })
    }

    fn lower_and_run(
        &mut self,
        step: &mut Step<'_>,
        instruction: &Instruction,
    ) -> Result<(), StepError> {
        let context = lower::Context {
            session: self.session,
            step,
            platform: &self.planned.platform,
        };
        let lowered = lower::lower(&context, &mut self.scope, &mut self.state, instruction)?;
        if matches!(instruction.kind, InstructionKind::Arg(_)) {
            step.surroundings = Some(self.surroundings());
        }
        step::run(self.session, step, &mut self.state, lowered)
    }

    fn surroundings(&self) -> Surroundings {
        lower::surroundings(self.session, &self.scope)
    }

    fn next_step<'s>(
        &mut self,
        statement: &'s Statement,
        kind: &'static str,
        id: StepId,
        takes_from: &[usize],
    ) -> Step<'s> {
        let position = self.position;
        self.position += 1;
        let stages = takes_from.iter();
        Step {
            id,
            label: self.session.label(id),
            statement,
            kind,
            place: Place {
                file: self.session.loaded.identity.clone(),
                line: statement.span.line,
                stage_index: u32::try_from(self.index).unwrap_or(u32::MAX),
                stage_name: self.stage.name.as_ref().map(|name| name.raw().to_owned()),
                position,
            },
            takes_from: stages
                .filter_map(|&stage| u32::try_from(stage).ok())
                .collect(),
            surroundings: None,
        }
    }
}

fn trigger_errors(text: &str, found: &[iechor_frontend::Diagnostic]) -> BuildError {
    let rendered = found
        .iter()
        .map(|diagnostic| diagnostic.render("ONBUILD of the base image", text));
    BuildError::Parse {
        rendered: rendered.collect::<Vec<_>>().join("\n"),
    }
}
