//! The instructions that change the configuration alone.

use std::time::Duration;

use iechor_frontend::ast::{
    CommandLine, Healthcheck, HealthcheckTest, InstructionKind, Label, PortRange, Signal, Text,
};
use iechor_image::ImageConfig;
use iechor_image::config::{ContainerConfig, Healthcheck as ConfigHealthcheck};

use super::command::argv;
use super::words::Words;
use crate::error::StepError;

/// The configuration after `kind`, which is none of the instructions that [`super::lower`] does itself.
pub(crate) fn changed(
    words: &mut Words<'_>,
    config: &ImageConfig,
    kind: &InstructionKind,
) -> Result<ImageConfig, StepError> {
    let mut changed = config.clone();
    let container = &mut changed.config;
    match kind {
        InstructionKind::Cmd(command) => container.cmd = Some(argv(container, command)),
        InstructionKind::Entrypoint(command) => entrypoint(words, container, command),
        InstructionKind::Expose(ports) => expose(words, container, ports)?,
        InstructionKind::Healthcheck(check) => container.healthcheck = Some(healthcheck(check)),
        InstructionKind::Label(label) => labels(words, container, label)?,
        InstructionKind::Maintainer(name) => changed.author = name.raw().to_owned(),
        InstructionKind::Onbuild(onbuild) => container
            .on_build
            .push(onbuild.trigger.statement.original.clone()),
        InstructionKind::Shell(shell) => container.shell = Some(shell.clone()),
        InstructionKind::Stopsignal(signal) => container.stop_signal = stop_signal(words, signal)?,
        InstructionKind::User(user) => container.user = words.text(user)?,
        InstructionKind::Volume(paths) => volumes(words, container, paths)?,
        InstructionKind::Add(_)
        | InstructionKind::Arg(_)
        | InstructionKind::Copy(_)
        | InstructionKind::Env(_)
        | InstructionKind::Run(_)
        | InstructionKind::Workdir(_) => {}
    }
    Ok(changed)
}

/// A CMD of the base image was meant for the base image's ENTRYPOINT: it goes with it.
fn entrypoint(words: &Words<'_>, container: &mut ContainerConfig, command: &CommandLine) {
    container.entrypoint = Some(argv(container, command));
    if !words.scope().has_cmd() {
        container.cmd = None;
    }
}

fn expose(
    words: &mut Words<'_>,
    container: &mut ContainerConfig,
    ports: &[Text],
) -> Result<(), StepError> {
    for text in ports {
        for word in words.split(text)? {
            let range: PortRange = word
                .parse()
                .map_err(|error| StepError::invalid(text, &error))?;
            container.exposed_ports.extend(
                range
                    .ports
                    .clone()
                    .map(|port| format!("{port}/{}", range.protocol)),
            );
        }
    }
    Ok(())
}

fn labels(
    words: &mut Words<'_>,
    container: &mut ContainerConfig,
    label: &Label,
) -> Result<(), StepError> {
    for pair in &label.labels {
        let (key, value) = (words.text(&pair.key)?, words.text(&pair.value)?);
        container.labels.insert(key, value);
    }
    Ok(())
}

fn volumes(
    words: &mut Words<'_>,
    container: &mut ContainerConfig,
    paths: &[Text],
) -> Result<(), StepError> {
    for path in paths {
        container.volumes.insert(words.text(path)?);
    }
    Ok(())
}

fn stop_signal(words: &mut Words<'_>, text: &Text) -> Result<String, StepError> {
    let written = words.text(text)?;
    written
        .parse::<Signal>()
        .map_err(|error| StepError::invalid(text, &error))?;
    Ok(written)
}

fn healthcheck(check: &Healthcheck) -> ConfigHealthcheck {
    match check {
        Healthcheck::None => ConfigHealthcheck {
            test: vec!["NONE".to_owned()],
            ..ConfigHealthcheck::default()
        },
        Healthcheck::Test(test) => ConfigHealthcheck {
            test: health_command(test),
            interval: nanos(test.interval),
            timeout: nanos(test.timeout),
            start_period: nanos(test.start_period),
            start_interval: nanos(test.start_interval),
            retries: test.retries.map_or(0, i64::from),
        },
    }
}

fn health_command(test: &HealthcheckTest) -> Vec<String> {
    match &test.command {
        CommandLine::Exec(argv) => std::iter::once("CMD".to_owned())
            .chain(argv.iter().cloned())
            .collect(),
        CommandLine::Shell(text) => vec!["CMD-SHELL".to_owned(), text.raw().to_owned()],
    }
}

/// 0 means that Docker's default holds.
fn nanos(duration: Option<Duration>) -> i64 {
    duration.map_or(0, |duration| {
        i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
    })
}
