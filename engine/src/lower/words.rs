//! Expansion of an instruction's words, with every variable used becoming an input of the key.

use std::collections::BTreeSet;

use iechor_cachedb::Input;
use iechor_frontend::Diagnostic;
use iechor_frontend::ast::{Escape, Heredoc, MountFlag, Text};
use iechor_frontend::expand::{ExpandError, Expander};

use super::paths::get_env;
use crate::build::scope::StageScope;
use crate::error::StepError;

/// The variables in force at one instruction; ENV wins over ARG (rules C12, C13).
#[derive(Debug)]
pub(crate) struct Words<'a> {
    escape: Escape,
    scope: StageScope<'a>,
    env: Vec<String>,
    used: BTreeSet<String>,
}

impl<'a> Words<'a> {
    pub(crate) fn new(escape: Escape, scope: &StageScope<'a>, env: &[String]) -> Self {
        Self {
            escape,
            scope: scope.clone(),
            env: env.to_vec(),
            used: BTreeSet::new(),
        }
    }

    /// One text as one word.
    pub(crate) fn text(&mut self, text: &Text) -> Result<String, StepError> {
        self.with(|expander| expander.text(text))
            .map_err(StepError::Diagnostic)
    }

    /// One text as the words that it expands to.
    pub(crate) fn split(&mut self, text: &Text) -> Result<Vec<String>, StepError> {
        self.with(|expander| {
            expander
                .words(text.raw())
                .map_err(|error| Box::new(error.at(text)))
        })
        .map_err(StepError::Diagnostic)
    }

    /// A heredoc's body.
    pub(crate) fn heredoc(&mut self, heredoc: &Heredoc) -> Result<String, StepError> {
        let point =
            |error: ExpandError| Box::new(error.at(&Text::new(heredoc.name.clone(), heredoc.span)));
        self.with(|expander| expander.heredoc(heredoc).map_err(point))
            .map_err(StepError::Diagnostic)
    }

    /// A mount with its options expanded and checked.
    pub(crate) fn mount(
        &mut self,
        flag: &MountFlag,
    ) -> Result<iechor_frontend::ast::Mount, StepError> {
        self.with(|expander| flag.resolve(expander))
            .map_err(StepError::Diagnostic)
    }

    /// The ARGs in scope.
    pub(crate) fn scope(&self) -> &StageScope<'a> {
        &self.scope
    }

    /// Declares an ARG for the words that follow.
    pub(crate) fn declare(&mut self, name: &str, default: Option<String>) {
        self.scope.declare(name, default);
    }

    /// The variables used since the last call, as inputs.
    pub(crate) fn take_inputs(&mut self) -> Vec<Input> {
        std::mem::take(&mut self.used)
            .iter()
            .filter_map(|name| self.input(name))
            .collect()
    }

    fn input(&self, name: &str) -> Option<Input> {
        if let Some(value) = get_env(&self.env, name) {
            return Some(Input::env(name, value));
        }
        Some(Input::arg(name, &self.scope.get(name)?))
    }

    fn with<T>(
        &mut self,
        expand: impl FnOnce(&mut Expander<'_>) -> Result<T, Box<Diagnostic>>,
    ) -> Result<T, Box<Diagnostic>> {
        let lookup = |name: &str| {
            get_env(&self.env, name)
                .map(str::to_owned)
                .or_else(|| self.scope.get(name))
        };
        let mut expander = Expander::new(self.escape, &lookup);
        let result = expand(&mut expander);
        let used = expander.used().clone();
        self.used.extend(used);
        result
    }
}
