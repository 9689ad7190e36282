//! The instructions that change the image's configuration.

use std::time::Duration;

use super::{Instruction, Text};

/// A command in one of its two forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandLine {
    /// `["program", "argument"]`, decoded. May be empty: `CMD []` and `ENTRYPOINT []` reset.
    Exec(Vec<String>),
    /// Anything else: given to the shell as it is.
    Shell(Text),
}

/// `key=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    /// Before the `=`.
    pub key: Text,
    /// After it.
    pub value: Text,
}

/// `ENV`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Env {
    /// The variables, in order; at least one.
    pub variables: Vec<KeyValue>,
}

/// `LABEL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The labels, in order; at least one.
    pub labels: Vec<KeyValue>,
}

/// `ARG`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arg {
    /// The declarations, in order; at least one. A default sees the ones before it.
    pub declarations: Vec<ArgDeclaration>,
}

/// `name[=default]` of an ARG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgDeclaration {
    /// The argument's name.
    pub name: Text,
    /// Its value when the command line gives none.
    pub default: Option<Text>,
}

/// `HEALTHCHECK`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Healthcheck {
    /// `NONE`: whatever the base image says is off.
    None,
    /// `CMD`.
    Test(HealthcheckTest),
}

/// How to see whether a container is well. What is not given is left to the runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthcheckTest {
    /// What to run.
    pub command: CommandLine,
    /// `--interval`.
    pub interval: Option<Duration>,
    /// `--timeout`.
    pub timeout: Option<Duration>,
    /// `--start-period`.
    pub start_period: Option<Duration>,
    /// `--start-interval`.
    pub start_interval: Option<Duration>,
    /// `--retries`.
    pub retries: Option<u32>,
}

/// `ONBUILD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onbuild {
    /// What to do when the image is a base; its `statement.original` goes into the image. Never
    /// FROM, ONBUILD or MAINTAINER.
    pub trigger: Box<Instruction>,
}
