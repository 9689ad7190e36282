//! What an iEchorfile says, as types.
//!
//! ```text
//! Iechorfile
//! ├── directives          # syntax=, # escape=, # check=
//! ├── global_args         ARG before the first FROM
//! └── stages[]            FROM base AS name
//!     └── instructions[]  a Statement (where and what was written) and an InstructionKind
//! ```
//!
//! Nothing here is expanded: whatever may hold a variable is a [`Text`], to be given to an
//! [`Expander`](crate::expand::Expander) by whoever knows the values. What can be checked without
//! them was checked; what a variable may still decide is parsed after expansion, by
//! [`FileMode`], [`PortRange`], [`Signal`] and [`MountFlag::resolve`].

mod config;
mod copy;
mod duration;
mod heredoc;
mod keyword;
mod mode;
mod mount;
mod port;
mod run;
mod signal;
mod text;

pub use config::{
    Arg, ArgDeclaration, CommandLine, Env, Healthcheck, HealthcheckTest, KeyValue, Label, Onbuild,
};
pub use copy::{Add, Copy, Placement, Source};
pub use duration::{DurationError, parse_duration};
pub use heredoc::{Expansion, Heredoc};
pub use keyword::Keyword;
pub use mode::{FileMode, FileModeError, ModeChange};
pub use mount::{
    BindMount, CacheMount, Mount, MountAccess, MountFlag, MountOption, MountType, Requirement,
    SecretMount, Sharing, SshMount, TmpfsMount,
};
pub use port::{PortError, PortRange, Protocol};
pub use run::{Network, Run, RunCommand};
pub use signal::{Signal, SignalError};
pub use text::Text;

use crate::span::Span;

/// A whole file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Iechorfile {
    /// The `# name=value` comments at the top.
    pub directives: Directives,
    /// What ARG declares before the first FROM, in order. In scope of FROM lines alone.
    pub global_args: Vec<ArgDeclaration>,
    /// The stages, in order; a stage's index is its place here.
    pub stages: Vec<Stage>,
}

impl Iechorfile {
    /// The stage that `reference` names: by name, letter case aside, or by index.
    ///
    /// Of stages that share a name the last one counts. `before` limits the search to the stages
    /// that are before that index, as seen by `COPY --from` in it; give `stages.len()` for all.
    pub fn stage(&self, reference: &str, before: usize) -> Option<usize> {
        let seen = self.stages.get(..before).unwrap_or(&self.stages);
        let by_name = seen.iter().rposition(|stage| stage.is_named(reference));
        by_name.or_else(|| reference.parse().ok().filter(|&index| index < seen.len()))
    }
}

/// The parser directives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directives {
    /// `# syntax=IMAGE`: accepted, never fetched nor run.
    pub syntax: Option<Text>,
    /// `# escape=`.
    pub escape: Escape,
    /// `# check=`.
    pub check: Option<Check>,
}

/// The character that continues a line and takes the meaning from the next character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Escape {
    /// `\`, unless the file says otherwise.
    #[default]
    Backslash,
    /// `` ` ``, by `` # escape=` ``.
    Backtick,
}

impl Escape {
    /// The character itself.
    pub fn char(self) -> char {
        match self {
            Self::Backslash => '\\',
            Self::Backtick => '`',
        }
    }
}

/// `# check=skip=RULE,…;error=true`: which warnings count, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Check {
    /// Names of the rules to leave out, as written; `all` leaves out every one.
    pub skip: Vec<String>,
    /// Whether a warning is an error.
    pub error: bool,
    /// Names of experimental rules to apply.
    pub experimental: Vec<String>,
}

impl Check {
    /// Whether warnings of this rule are to be left out.
    pub fn skips(&self, rule: crate::Code) -> bool {
        let names = |name: &String| name == "all" || name.eq_ignore_ascii_case(rule.as_str());
        self.skip.iter().any(names)
    }
}

/// A stage: FROM and what follows it, up to the next FROM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// What was written, of the FROM line.
    pub statement: Statement,
    /// Image, earlier stage, named context or `scratch`; expanded with the global ARGs.
    pub base: Text,
    /// `AS name`, in lower case.
    pub name: Option<Text>,
    /// `--platform`; expanded with the global ARGs.
    pub platform: Option<Text>,
    /// The instructions after FROM, in order.
    pub instructions: Vec<Instruction>,
}

impl Stage {
    /// Whether the stage has this name, letter case aside.
    pub fn is_named(&self, name: &str) -> bool {
        self.name
            .as_ref()
            .is_some_and(|own| own.raw().eq_ignore_ascii_case(name))
    }
}

/// What was written for one instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// From the keyword to the last argument, continued lines included and heredocs not.
    pub span: Span,
    /// The instruction's name.
    pub keyword: Text,
    /// The text with continuations joined and comments left out, heredocs after it; for display.
    pub original: String,
    /// The text in its one canonical form, for cache keys and history.
    ///
    /// Two statements with the same canonical text say the same. The keyword is in upper case;
    /// flags and words are as written, quotes included, with one space between them; JSON arrays
    /// are written without spaces; a shell command is untouched, for its spaces may matter.
    pub canonical: String,
}

/// One instruction of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// What was written.
    pub statement: Statement,
    /// What it means.
    pub kind: InstructionKind,
}

impl Instruction {
    /// Which instruction it is.
    pub fn keyword(&self) -> Keyword {
        self.kind.keyword()
    }
}

/// The instructions that a stage can have. The comment tells how each is to be expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstructionKind {
    /// `ADD`: see [`Placement`].
    Add(Add),
    /// `ARG`: names and defaults, each as a word.
    Arg(Arg),
    /// `CMD`: not expanded.
    Cmd(CommandLine),
    /// `COPY`: see [`Placement`].
    Copy(Copy),
    /// `ENTRYPOINT`: not expanded.
    Entrypoint(CommandLine),
    /// `ENV`: keys and values, each as a word, all with the values from before the instruction.
    Env(Env),
    /// `EXPOSE`: each expanded and split into words, each of those a [`PortRange`].
    Expose(Vec<Text>),
    /// `HEALTHCHECK`: not expanded.
    Healthcheck(Healthcheck),
    /// `LABEL`: keys and values, each as a word.
    Label(Label),
    /// `MAINTAINER`: not expanded.
    Maintainer(Text),
    /// `ONBUILD`: not expanded until it is triggered.
    Onbuild(Onbuild),
    /// `RUN`: the command is not expanded, the shell does that; the options of mounts are.
    Run(Run),
    /// `SHELL`: not expanded; at least one element.
    Shell(Vec<String>),
    /// `STOPSIGNAL`: a word, and then a [`Signal`].
    Stopsignal(Text),
    /// `USER`: a word.
    User(Text),
    /// `VOLUME`: each a word.
    Volume(Vec<Text>),
    /// `WORKDIR`: a word.
    Workdir(Text),
}

impl InstructionKind {
    /// Which instruction it is.
    pub fn keyword(&self) -> Keyword {
        match self {
            Self::Add(_) => Keyword::Add,
            Self::Arg(_) => Keyword::Arg,
            Self::Cmd(_) => Keyword::Cmd,
            Self::Copy(_) => Keyword::Copy,
            Self::Entrypoint(_) => Keyword::Entrypoint,
            Self::Env(_) => Keyword::Env,
            Self::Expose(_) => Keyword::Expose,
            Self::Healthcheck(_) => Keyword::Healthcheck,
            Self::Label(_) => Keyword::Label,
            Self::Maintainer(_) => Keyword::Maintainer,
            Self::Onbuild(_) => Keyword::Onbuild,
            Self::Run(_) => Keyword::Run,
            Self::Shell(_) => Keyword::Shell,
            Self::Stopsignal(_) => Keyword::Stopsignal,
            Self::User(_) => Keyword::User,
            Self::Volume(_) => Keyword::Volume,
            Self::Workdir(_) => Keyword::Workdir,
        }
    }
}
