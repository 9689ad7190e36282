//! Commands in shell and exec form.

use iechor_frontend::ast::CommandLine;
use iechor_image::config::ContainerConfig;

/// What runs shell forms where no SHELL and no base image says otherwise.
const DEFAULT_SHELL: [&str; 2] = ["/bin/sh", "-c"];

/// The shell in force.
pub(crate) fn shell(config: &ContainerConfig) -> Vec<String> {
    match &config.shell {
        Some(shell) if !shell.is_empty() => shell.clone(),
        _ => DEFAULT_SHELL.map(str::to_owned).to_vec(),
    }
}

/// The program and arguments that a script given to the shell becomes.
pub(crate) fn by_shell(config: &ContainerConfig, script: &str) -> Vec<String> {
    let mut argv = shell(config);
    argv.push(script.to_owned());
    argv
}

/// The program and arguments of CMD and ENTRYPOINT.
pub(crate) fn argv(config: &ContainerConfig, command: &CommandLine) -> Vec<String> {
    match command {
        CommandLine::Exec(argv) => argv.clone(),
        CommandLine::Shell(text) => by_shell(config, text.raw()),
    }
}
