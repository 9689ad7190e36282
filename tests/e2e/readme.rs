//! README's commands, run as they are written.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{IECHOR, Output, TestEnv};

const TOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The commands of README's console blocks, in order.
fn commands() -> Vec<String> {
    let readme = fs::read_to_string(PathBuf::from(TOP).join("README.md")).unwrap();
    let blocks = readme.split("```console\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap().lines());
    lines
        .filter_map(|line| line.strip_prefix("$ "))
        .map(str::to_owned)
        .collect()
}

/// Runs a command as README has it, with this test's program and state.
fn run(env: &TestEnv, command: &str) -> Output {
    let mut shell = Command::new("bash");
    shell.args(["-euc", command]).current_dir(TOP);
    env.prepare(&mut shell);
    let bin = PathBuf::from(IECHOR)
        .parent()
        .unwrap()
        .display()
        .to_string();
    shell.env("PATH", format!("{bin}:{}", std::env::var("PATH").unwrap()));
    shell
        .env("IECHOR", IECHOR)
        .env("IECHOR_ROOT", env.root())
        .env("CI", "1");
    Output::of(&mut shell)
}

#[test]
fn the_first_command_builds_the_example_and_the_second_runs_the_tests() {
    let commands = commands();
    assert_eq!(commands[..2], ["make example", "make test"]);
}

#[test]
fn the_example_builds_and_then_hits() {
    let env = TestEnv::new();
    let example = format!("{TOP}/examples/hello/build.sh");
    let first = run(&env, &example).success();
    assert!(!first.executed().is_empty(), "{}", first.transcript());
    let second = run(&env, &example).success();
    second.all_hits();
}

#[test]
fn every_other_command_works() {
    let env = TestEnv::new();
    run(&env, &format!("{TOP}/examples/hello/build.sh")).success();
    let iechor = commands()
        .into_iter()
        .filter(|command| command.starts_with("iechor"));
    for command in iechor {
        run(&env, &command).success().keeps_quiet_about("error:");
    }
}
