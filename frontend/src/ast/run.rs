//! `RUN`.

use super::{Heredoc, MountFlag, Text};

/// A command run in the stage's file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// `--mount`, in order.
    pub mounts: Vec<MountFlag>,
    /// `--network`.
    pub network: Network,
    /// What to run.
    pub command: RunCommand,
}

/// What RUN runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunCommand {
    /// `RUN ["program", "argument"]`: without a shell; at least one element.
    Exec(Vec<String>),
    /// `RUN command`: the shell's last argument.
    Shell(Text),
    /// `RUN command <<EOF …`: the shell's last argument, with the heredocs for it to read.
    ShellWithHeredocs {
        /// The command line.
        command: Text,
        /// The heredocs in the order in which the command line names them.
        heredocs: Vec<Heredoc>,
        /// Command line and heredocs as the shell is to see them.
        script: String,
    },
    /// `RUN <<EOF`: the body is the shell's last argument.
    Script(Heredoc),
    /// `RUN <<EOF` whose body begins with `#!`: the body is a program.
    Program(Heredoc),
}

/// The network that a RUN step sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Network {
    /// What the build was asked to use.
    #[default]
    Default,
    /// None but loopback.
    None,
    /// The host's.
    Host,
}

impl Network {
    /// The words of `--network=`, with what they mean.
    pub const WORDS: [(&'static str, Self); 3] = [
        ("default", Self::Default),
        ("none", Self::None),
        ("host", Self::Host),
    ];
}
