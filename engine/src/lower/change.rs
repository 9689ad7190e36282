//! Instructions that change a configuration outside of a build: `iechor commit --change`.

use iechor_frontend::ast::{Escape, Instruction, InstructionKind};
use iechor_frontend::{Diagnostic, parse_trigger};
use iechor_image::{ImageConfig, Platform};

use super::words::Words;
use super::{config, paths, with_env};
use crate::build::scope::{Given, GlobalScope, StageScope};
use crate::error::StepError;

/// Why a change could not be applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// It is no instruction, or not a complete one.
    #[error("{rendered}")]
    Parse {
        /// All that is wrong, ready to print.
        rendered: String,
    },
    /// It is an instruction that changes files or needs a build.
    #[error(
        "{0} needs a build: --change takes CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, \
         MAINTAINER, ONBUILD, SHELL, STOPSIGNAL, USER, VOLUME and WORKDIR"
    )]
    NeedsBuild(&'static str),
    /// It does not expand, or not to something that the instruction can have.
    #[error("{text:?}: {error}", error = .source.one_line())]
    Value {
        /// The instruction.
        text: String,
        /// What is wrong with it.
        source: StepError,
    },
}

/// One change of a configuration.
#[derive(Debug)]
pub(crate) struct Change(Instruction);

impl Change {
    /// Reads one instruction.
    pub(crate) fn parse(text: &str) -> Result<Self, ChangeError> {
        let instruction =
            parse_trigger(text, Escape::default()).map_err(|found| ChangeError::Parse {
                rendered: render(text, &found),
            })?;
        match &instruction.kind {
            InstructionKind::Add(_)
            | InstructionKind::Arg(_)
            | InstructionKind::Copy(_)
            | InstructionKind::Run(_) => Err(ChangeError::NeedsBuild(instruction.keyword().name())),
            _ => Ok(Self(instruction)),
        }
    }

    /// The instruction as written.
    pub(crate) fn text(&self) -> &str {
        &self.0.statement.canonical
    }

    /// The configuration after it; variables are those of ENV.
    pub(crate) fn apply(&self, to: &ImageConfig) -> Result<ImageConfig, ChangeError> {
        self.lower(to).map_err(|source| ChangeError::Value {
            text: self.text().to_owned(),
            source,
        })
    }

    fn lower(&self, to: &ImageConfig) -> Result<ImageConfig, StepError> {
        let host = Platform::host();
        let global = GlobalScope::new(Given::new(&[], &[], &host, &to.platform()));
        let mut words = Words::new(Escape::default(), &StageScope::new(&global), &to.config.env);
        match &self.0.kind {
            InstructionKind::Env(env) => with_env(&mut words, to, env),
            InstructionKind::Workdir(path) => {
                let mut changed = to.clone();
                let written = words.text(path)?;
                changed.config.working_dir = paths::absolute(&to.config.working_dir, &written);
                Ok(changed)
            }
            kind => config::changed(&mut words, to, kind),
        }
    }
}

fn render(text: &str, found: &[Diagnostic]) -> String {
    let rendered = found
        .iter()
        .map(|diagnostic| diagnostic.render("--change", text));
    rendered.collect::<Vec<_>>().join("\n")
}
