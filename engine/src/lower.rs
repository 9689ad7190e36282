//! From an instruction to what its key is made of and what is to be done.
//!
//! Lowering expands variables, finds the files involved and changes the configuration; it changes
//! nothing on disk, for it happens before the cache is asked.

mod add;
pub(crate) mod change;
mod command;
mod config;
mod copy;
mod mount;
mod paths;
mod run;
mod words;

use iechor_cachedb::{Input, Witness};
use iechor_frontend::ast::{Arg, Env, Instruction, InstructionKind, Text};
use iechor_image::{ImageConfig, Platform};

use crate::build::scope::StageScope;
use crate::build::session::Session;
use crate::build::stage::StageState;
use crate::build::step::Step;
use crate::error::StepError;
use crate::op::Operation;

pub(crate) use run::{environment, surroundings};
pub(crate) use words::Words;

/// An instruction, ready to be looked up and, on a miss, executed.
#[derive(Debug)]
pub(crate) struct Lowered {
    /// What stands for the instruction in the key; its canonical text when none.
    pub(crate) instruction: Option<String>,
    /// The other inputs of the key, by rule.
    pub(crate) inputs: Vec<Input>,
    /// The configuration after the instruction, without its history entry.
    pub(crate) config: ImageConfig,
    /// What a miss does.
    pub(crate) operation: Operation,
    /// The history entry; none for FROM.
    pub(crate) created_by: Option<String>,
    /// A step of another stage that was executed anew and that this one takes files from (C9).
    pub(crate) anew: Option<String>,
    /// Change times of the context's files (C6).
    pub(crate) witness: Option<Witness>,
}

/// What lowering needs to know of the build.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) session: &'a Session<'a>,
    pub(crate) step: &'a Step<'a>,
    pub(crate) platform: &'a Platform,
}

/// Lowers one instruction. ARG and ENV change the scope of what follows.
pub(crate) fn lower(
    context: &Context<'_>,
    scope: &mut StageScope<'_>,
    state: &mut StageState,
    instruction: &Instruction,
) -> Result<Lowered, StepError> {
    let config = &state.config;
    let mut words = Words::new(context.session.escape(), scope, &config.config.env);
    match &instruction.kind {
        InstructionKind::Add(add) => add::lower(context, &mut words, config, add),
        InstructionKind::Copy(copy) => copy::lower(context, &mut words, config, copy),
        InstructionKind::Run(run) => run::lower(context, &mut words, config, run),
        InstructionKind::Workdir(path) => workdir(&mut words, config, path),
        InstructionKind::Arg(arg) => {
            let values = arg_values(&mut words, arg)?;
            let lowered = unchanged(context, &mut words, config.clone());
            values
                .into_iter()
                .for_each(|(name, default)| scope.declare(&name, default));
            Ok(lowered)
        }
        InstructionKind::Env(env) => {
            let config = with_env(&mut words, config, env)?;
            Ok(unchanged(context, &mut words, config))
        }
        kind => {
            let config = config::changed(&mut words, config, kind)?;
            let lowered = unchanged(context, &mut words, config);
            if matches!(kind, InstructionKind::Cmd(_)) {
                scope.set_cmd();
            }
            Ok(lowered)
        }
    }
}

/// An instruction that changes no file.
fn unchanged(context: &Context<'_>, words: &mut Words<'_>, config: ImageConfig) -> Lowered {
    Lowered {
        instruction: None,
        inputs: words.take_inputs(),
        config,
        operation: Operation::Nothing,
        created_by: Some(context.step.statement.canonical.clone()),
        anew: None,
        witness: None,
    }
}

/// A default sees the declarations before it in the same instruction.
fn arg_values(
    words: &mut Words<'_>,
    arg: &Arg,
) -> Result<Vec<(String, Option<String>)>, StepError> {
    let mut values = Vec::new();
    for declaration in &arg.declarations {
        let default = declaration
            .default
            .as_ref()
            .map(|text| words.text(text))
            .transpose()?;
        let name = words.text(&declaration.name)?;
        words.declare(&name, default.clone());
        values.push((name, default));
    }
    Ok(values)
}

/// All values of one ENV are expanded with what held before it.
fn with_env(
    words: &mut Words<'_>,
    config: &ImageConfig,
    env: &Env,
) -> Result<ImageConfig, StepError> {
    let mut changed = config.clone();
    for variable in &env.variables {
        let (key, value) = (words.text(&variable.key)?, words.text(&variable.value)?);
        paths::set_env(&mut changed.config.env, &key, &value);
    }
    Ok(changed)
}

fn workdir(words: &mut Words<'_>, config: &ImageConfig, path: &Text) -> Result<Lowered, StepError> {
    let written = words.text(path)?;
    let dir = paths::absolute(&config.config.working_dir, &written);
    let mut changed = config.clone();
    changed.config.working_dir.clone_from(&dir);
    Ok(Lowered {
        instruction: None,
        inputs: words.take_inputs(),
        config: changed,
        operation: Operation::Workdir(dir.clone().into()),
        created_by: Some(format!("WORKDIR {dir}")),
        anew: None,
        witness: None,
    })
}
