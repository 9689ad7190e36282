//! Numbers and labels of steps: `[build 2/4]`.

use std::collections::HashMap;

use iechor_frontend::ast::{Iechorfile, Stage, Statement};

use super::plan::{Plan, stage_name};
use super::step::first_line;
use crate::progress::{StepId, StepInfo};

/// Every step of a build.
#[derive(Debug, Default)]
pub(crate) struct Numbering {
    infos: Vec<StepInfo>,
    planned: HashMap<(usize, u32), StepId>,
    /// How many triggers each stage has had.
    extras: HashMap<usize, usize>,
}

impl Numbering {
    /// The steps of the needed stages, in the order of the file.
    pub(crate) fn of(file: &Iechorfile, plan: &Plan) -> Self {
        let mut numbering = Self::default();
        let alone = file.stages.len() == 1 && file.stages.iter().all(|stage| stage.name.is_none());
        for &index in plan.stages.keys() {
            let stage = &file.stages[index];
            let name = if alone {
                String::new()
            } else {
                format!("{} ", stage_name(stage, index))
            };
            numbering.stage(index, stage, &name);
        }
        numbering
    }

    fn stage(&mut self, index: usize, stage: &Stage, name: &str) {
        let total = stage.instructions.len() + 1;
        let statements = std::iter::once(&stage.statement).chain(
            stage
                .instructions
                .iter()
                .map(|instruction| &instruction.statement),
        );
        for (position, statement) in (0_u32..).zip(statements) {
            let label = format!("[{name}{}/{total}]", position + 1);
            let info = self.push(label, statement);
            self.planned.insert((index, position), info.id);
        }
    }

    fn push(&mut self, label: String, statement: &Statement) -> StepInfo {
        let info = StepInfo {
            id: StepId(self.infos.len()),
            label,
            text: first_line(&statement.original),
            line: Some(statement.span.line),
        };
        self.infos.push(info.clone());
        info
    }

    /// What is planned so far.
    pub(crate) fn infos(&self) -> &[StepInfo] {
        &self.infos
    }

    /// The step at `position` of a stage, not counting triggers.
    pub(crate) fn planned(&self, stage: usize, position: u32) -> StepId {
        let extras = self.extras.get(&stage).copied().unwrap_or_default();
        let position = position.saturating_sub(u32::try_from(extras).unwrap_or(u32::MAX));
        self.planned
            .get(&(stage, position))
            .copied()
            .unwrap_or(StepId(0))
    }

    /// Adds an ONBUILD trigger that runs just after FROM.
    pub(crate) fn extra(
        &mut self,
        stage: usize,
        trigger: &Statement,
        from: &Statement,
    ) -> StepInfo {
        let count = self.extras.entry(stage).or_default();
        *count += 1;
        let label = format!("[onbuild {count}]");
        let mut info = self.push(label, trigger);
        info.line = Some(from.span.line);
        info
    }

    /// Adds a step of the build itself.
    pub(crate) fn internal(&mut self, label: &str, text: &str) -> StepInfo {
        let info = StepInfo {
            id: StepId(self.infos.len()),
            label: label.to_owned(),
            text: text.to_owned(),
            line: None,
        };
        self.infos.push(info.clone());
        info
    }

    pub(crate) fn info(&self, id: StepId) -> StepInfo {
        let unknown = || StepInfo {
            id,
            label: String::new(),
            text: String::new(),
            line: None,
        };
        self.infos.get(id.0).cloned().unwrap_or_else(unknown)
    }
}
