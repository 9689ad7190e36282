//! RUN.

use iechor_cachedb::{Input, Rule};
use iechor_executor::Network;
use iechor_frontend::ast::{Heredoc, Network as Asked, Run, RunCommand};
use iechor_image::ImageConfig;

use super::command::{by_shell, shell};
use super::mount::{self, Mounts};
use super::paths::set_env;
use super::words::Words;
use super::{Context, Lowered};
use crate::build::history;
use crate::build::scope::StageScope;
use crate::build::session::Session;
use crate::error::StepError;
use crate::op::Operation;
use crate::op::run::{RunMount, RunOperation, Surroundings};
use crate::request::NetworkMode;

/// Where a heredoc that is a program of its own is mounted.
const PROGRAMS: &str = "/run/heredoc";

/// Lowers RUN.
pub(crate) fn lower(
    context: &Context<'_>,
    words: &mut Words<'_>,
    config: &ImageConfig,
    run: &Run,
) -> Result<Lowered, StepError> {
    let mut mounts = Mounts::default();
    for flag in &run.mounts {
        mount::lower(context, words, config, flag, &mut mounts)
            .map_err(|error| error.at(flag.span))?;
    }
    let argv = argv(config, &run.command, &mut mounts);
    let network = network(context.session.request.network, run.network);
    let args: Vec<(String, String)> = owned(words.scope().args());
    let mut inputs = inputs(context, config, &args, network);
    inputs.append(&mut mounts.inputs);
    inputs.extend(words.take_inputs());
    Ok(Lowered {
        instruction: None,
        inputs,
        config: config.clone(),
        created_by: Some(history::run(&args, &argv)),
        operation: Operation::Run(Box::new(RunOperation {
            argv,
            env: environment(config, &args),
            proxies: words.scope().proxies(),
            cwd: config.config.working_dir.clone(),
            user: config.config.user.clone(),
            network,
            mounts: mounts.mounts,
            platform: context.platform.clone(),
        })),
        anew: mounts.anew,
        witness: None,
    })
}

fn argv(config: &ImageConfig, command: &RunCommand, mounts: &mut Mounts) -> Vec<String> {
    match command {
        RunCommand::Exec(argv) => argv.clone(),
        RunCommand::Shell(text) => by_shell(&config.config, text.raw()),
        RunCommand::ShellWithHeredocs { script, .. } => by_shell(&config.config, script),
        RunCommand::Script(heredoc) => by_shell(&config.config, &heredoc.body),
        RunCommand::Program(heredoc) => vec![program(heredoc, mounts)],
    }
}

/// A heredoc with a `#!` line is mounted as an executable file.
fn program(heredoc: &Heredoc, mounts: &mut Mounts) -> String {
    let path = format!("{PROGRAMS}/{}", heredoc.name);
    let contents = heredoc.body.clone();
    mounts.mounts.push(RunMount::Program {
        target: path.clone().into(),
        contents,
    });
    path
}

fn network(build: NetworkMode, step: Asked) -> Network {
    match (step, build) {
        (Asked::None, _) | (Asked::Default, NetworkMode::None) => Network::None,
        (Asked::Host, _) | (Asked::Default, NetworkMode::Default | NetworkMode::Host) => {
            Network::Host
        }
    }
}

/// What enters the key besides the command: ARGs used or not (C12), and what is in force (C13).
fn inputs(
    context: &Context<'_>,
    config: &ImageConfig,
    args: &[(String, String)],
    network: Network,
) -> Vec<Input> {
    let container = &config.config;
    let mut inputs: Vec<Input> = args
        .iter()
        .map(|(name, value)| Input::arg(name, value))
        .collect();
    inputs.extend(
        container
            .env
            .iter()
            .filter_map(|entry| entry.split_once('='))
            .map(|(name, value)| Input::env(name, value)),
    );
    inputs.push(Input::workdir(&container.working_dir));
    inputs.push(Input::user(&container.user));
    inputs.push(Input::shell(&shell(container).join(" ")));
    inputs.push(Input::platform(&context.platform.to_string()));
    if network == Network::None {
        inputs.push(Input::text(Rule::C3, "network", "none"));
    }
    inputs
}

/// What a RUN without options of its own gets at this place besides the configuration.
pub(crate) fn surroundings(session: &Session<'_>, scope: &StageScope<'_>) -> Surroundings {
    Surroundings {
        args: owned(scope.args()),
        network: network(session.request.network, Asked::Default),
        hosts: session.request.extra_hosts.clone(),
    }
}

/// The environment of RUN. ENV wins over ARG.
pub(crate) fn environment(config: &ImageConfig, args: &[(String, String)]) -> Vec<String> {
    let mut env = Vec::new();
    for (name, value) in args {
        set_env(&mut env, name, value);
    }
    for (name, value) in config
        .config
        .env
        .iter()
        .filter_map(|entry| entry.split_once('='))
    {
        set_env(&mut env, name, value);
    }
    env
}

fn owned<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
