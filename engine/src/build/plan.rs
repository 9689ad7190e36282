//! Which stages a build needs, what they are made from, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use iechor_frontend::ast::{Iechorfile, Instruction, InstructionKind, Stage, Text};
use iechor_frontend::expand::Expander;
use iechor_image::Platform;

use super::load::LoadedFile;
use super::scope::{Given, GlobalScope, is_proxy};
use crate::error::BuildError;
use crate::progress::{Event, ProgressSink};
use crate::request::{BuildRequest, CachePolicy};

/// What is to be done.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Index of the stage that becomes the image.
    pub(crate) target: usize,
    /// The stages that it needs, itself included, by index.
    pub(crate) stages: BTreeMap<usize, PlannedStage>,
    /// ARGs before the first FROM, expanded.
    pub(crate) globals: GlobalScope,
    /// Stages that `--no-cache-filter` names: index and the word that named it.
    pub(crate) uncached: BTreeMap<usize, String>,
}

/// One stage of the plan.
#[derive(Debug)]
pub(crate) struct PlannedStage {
    /// What FROM names.
    pub(crate) base: Base,
    /// `FROM --platform`, else the build's.
    pub(crate) platform: Platform,
    /// Stages that must be done before it: its base, and what it copies or mounts from.
    pub(crate) needs: BTreeSet<usize>,
}

/// What FROM names, variables expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Base {
    /// An earlier stage.
    Stage(usize),
    /// `scratch`, an image, or a named context.
    Image(String),
}

impl Plan {
    /// Plans the build of `request` from `file`.
    ///
    /// # Errors
    ///
    /// Unknown `--target` or `--no-cache-filter` (the stages are listed), a FROM that does not
    /// expand, stages that need each other.
    pub(crate) fn new(
        request: &BuildRequest,
        file: &LoadedFile,
        progress: &dyn ProgressSink,
    ) -> Result<Self, BuildError> {
        let host = Platform::host();
        let platform = request.platform.clone().unwrap_or_else(|| host.clone());
        let given = Given::new(&request.build_args, &request.proxy, &host, &platform);
        let globals = global_scope(file, given)?;
        let parsed = &file.parsed.file;
        let target = target(request, parsed)?;
        let uncached = uncached(request, parsed)?;
        let mut stages = BTreeMap::new();
        Needed {
            file,
            globals: &globals,
            platform: &platform,
            stages: &mut stages,
            path: Vec::new(),
        }
        .visit(target)?;
        warn_of_unused_args(parsed, &globals, progress);
        Ok(Self {
            target,
            stages,
            globals,
            uncached,
        })
    }
}

fn global_scope(file: &LoadedFile, given: Given) -> Result<GlobalScope, BuildError> {
    let parsed = &file.parsed.file;
    let mut scope = GlobalScope::new(given);
    for declaration in &parsed.global_args {
        let lookup = |name: &str| scope.get(name);
        let mut expander = Expander::new(parsed.directives.escape, &lookup);
        let default = declaration
            .default
            .as_ref()
            .map(|text| expander.text(text))
            .transpose();
        let default = default.map_err(|diagnostic| file.at(&diagnostic))?;
        scope.declare(declaration.name.raw(), default);
    }
    Ok(scope)
}

fn target(request: &BuildRequest, file: &Iechorfile) -> Result<usize, BuildError> {
    match &request.target {
        None => Ok(file.stages.len().saturating_sub(1)),
        Some(name) => find_stage(file, "--target", name),
    }
}

fn uncached(
    request: &BuildRequest,
    file: &Iechorfile,
) -> Result<BTreeMap<usize, String>, BuildError> {
    let CachePolicy::IgnoreStages(names) = &request.cache else {
        return Ok(BTreeMap::new());
    };
    let found = names
        .iter()
        .map(|name| Ok((find_stage(file, "--no-cache-filter", name)?, name.clone())));
    found.collect()
}

fn find_stage(file: &Iechorfile, option: &'static str, name: &str) -> Result<usize, BuildError> {
    file.stage(name, file.stages.len())
        .ok_or_else(|| BuildError::UnknownStage {
            option,
            name: name.to_owned(),
            stages: file
                .stages
                .iter()
                .enumerate()
                .map(|(index, stage)| stage_name(stage, index))
                .collect(),
        })
}

/// How people call a stage: its name, else `stage-N`.
pub(crate) fn stage_name(stage: &Stage, index: usize) -> String {
    stage
        .name
        .as_ref()
        .map_or_else(|| format!("stage-{index}"), |name| name.raw().to_owned())
}

/// Depth-first visit of the stages that the target needs.
struct Needed<'a> {
    file: &'a LoadedFile,
    globals: &'a GlobalScope,
    platform: &'a Platform,
    stages: &'a mut BTreeMap<usize, PlannedStage>,
    path: Vec<usize>,
}

impl Needed<'_> {
    fn visit(&mut self, index: usize) -> Result<(), BuildError> {
        if self.path.contains(&index) {
            return Err(self.cycle(index));
        }
        if self.stages.contains_key(&index) {
            return Ok(());
        }
        let planned = self.plan(index)?;
        self.path.push(index);
        for &needed in &planned.needs {
            self.visit(needed)?;
        }
        self.path.pop();
        self.stages.insert(index, planned);
        Ok(())
    }

    fn plan(&self, index: usize) -> Result<PlannedStage, BuildError> {
        let stage = &self.file.parsed.file.stages[index];
        let base = self.base(stage, index)?;
        let mut needs: BTreeSet<usize> = self.sources(stage).collect();
        if let Base::Stage(base) = base {
            needs.insert(base);
        }
        Ok(PlannedStage {
            base,
            platform: self.stage_platform(stage)?,
            needs,
        })
    }

    /// FROM sees the stages before it alone, so that a stage may have the name of its base image.
    fn base(&self, stage: &Stage, index: usize) -> Result<Base, BuildError> {
        let name = self.expand(&stage.base)?;
        if name.is_empty() {
            return Err(self.file.error_at(
                stage.base.span(),
                "the base image's name is empty",
                Some("give the ARG a default"),
            ));
        }
        let before = &self.file.parsed.file.stages[..index];
        let earlier = before.iter().rposition(|stage| stage.is_named(&name));
        Ok(earlier.map_or(Base::Image(name), Base::Stage))
    }

    fn stage_platform(&self, stage: &Stage) -> Result<Platform, BuildError> {
        let Some(text) = &stage.platform else {
            return Ok(self.platform.clone());
        };
        let value = self.expand(text)?;
        value
            .parse()
            .map_err(|error| self.file.error_at(text.span(), &format!("{error}"), None))
    }

    fn expand(&self, text: &Text) -> Result<String, BuildError> {
        let lookup = |name: &str| self.globals.get(name);
        let mut expander = Expander::new(self.file.parsed.file.directives.escape, &lookup);
        expander
            .text(text)
            .map_err(|diagnostic| self.file.at(&diagnostic))
    }

    /// The stages that instructions of `stage` take files from.
    fn sources<'s>(&'s self, stage: &'s Stage) -> impl Iterator<Item = usize> + 's {
        let file = &self.file.parsed.file;
        let instructions = stage.instructions.iter();
        instructions.flat_map(|instruction| sources(file, instruction))
    }

    fn cycle(&self, index: usize) -> BuildError {
        let from = self
            .path
            .iter()
            .position(|&visited| visited == index)
            .unwrap_or_default();
        let stages = &self.file.parsed.file.stages;
        let mut names: Vec<String> = self.path[from..]
            .iter()
            .map(|&at| stage_name(&stages[at], at))
            .collect();
        names.push(stage_name(&stages[index], index));
        let message = format!("stages need each other: {}", names.join(" -> "));
        self.file.error_at(
            stages[index].statement.span,
            &message,
            Some("let one of them copy from something else"),
        )
    }
}

/// The stages that one instruction takes files from.
pub(crate) fn sources<'s>(
    file: &'s Iechorfile,
    instruction: &'s Instruction,
) -> impl Iterator<Item = usize> + 's {
    let froms = froms(&instruction.kind).into_iter();
    froms.filter_map(|name| file.stage(name, file.stages.len()))
}

/// The values of `--from` and of mounts' `from=` in one instruction.
fn froms(kind: &InstructionKind) -> Vec<&str> {
    match kind {
        InstructionKind::Copy(copy) => copy.from.iter().map(Text::raw).collect(),
        InstructionKind::Run(run) => run
            .mounts
            .iter()
            .filter_map(|mount| mount.from())
            .map(Text::raw)
            .collect(),
        _ => Vec::new(),
    }
}

/// An argument that nothing declares has no effect (rule C12); most often it is misspelt.
fn warn_of_unused_args(file: &Iechorfile, globals: &GlobalScope, progress: &dyn ProgressSink) {
    let declared = declared_args(file);
    let unused = globals
        .given()
        .names()
        .filter(|name| !declared.contains(name) && !is_proxy(name));
    for name in unused.collect::<BTreeSet<_>>() {
        let message = format!("--build-arg {name} has no effect: no ARG {name} in the file");
        progress.event(Event::Warning(message));
    }
}

fn declared_args(file: &Iechorfile) -> BTreeSet<&str> {
    let in_stages = file
        .stages
        .iter()
        .flat_map(|stage| &stage.instructions)
        .flat_map(|instruction| match &instruction.kind {
            InstructionKind::Arg(arg) => arg.declarations.as_slice(),
            _ => &[],
        });
    file.global_args
        .iter()
        .chain(in_stages)
        .map(|declaration| declaration.name.raw())
        .collect()
}
