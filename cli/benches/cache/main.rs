//! `make bench-cache`: what asks the cache at 100,000 records, each aimed at less than 100 ms.
//!
//! Commands are timed from outside, whole, with their output thrown away; the query for the nearest
//! cached sibling inside this process. What is printed are medians and the best. Needs no root.

#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints its table"
)]

#[path = "../../../tests/bench/benchmark.rs"]
mod benchmark;
mod measure;
mod state;

use std::process::{Command, ExitCode};

use anyhow::Result;

use self::measure::Times;
use self::state::State;

fn main() -> ExitCode {
    benchmark::run(run)
}

fn run() -> Result<()> {
    eprintln!("making a cache of {} records", state::RECORDS);
    let state = State::make()?;
    let key = state.some_key.to_string();
    let commands: [(&str, &[&str]); 5] = [
        ("builder why", &["builder", "why", &key]),
        ("builder ls", &["builder", "ls"]),
        ("builder du", &["builder", "du"]),
        (
            "builder prune --dry-run",
            &["builder", "prune", "--dry-run"],
        ),
        (
            "builder prune -a --dry-run",
            &["builder", "prune", "-a", "--dry-run"],
        ),
    ];
    println!("{:<36}{:>12}{:>12}  aim", "what", "median", "best");
    for (name, args) in commands {
        let mut command = || command(&state, args);
        print_row(name, &measure::command(&mut command)?, "< 100 ms");
    }
    print_row(
        "nearest cached sibling, new argument",
        &state.explain()?,
        "milliseconds",
    );
    Ok(())
}

fn command(state: &State, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iechor"));
    command.arg("--root").arg(state.root()).args(args);
    command
}

fn print_row(name: &str, times: &Times, aim: &str) {
    let ms = |time: std::time::Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    println!(
        "{name:<36}{:>12}{:>12}  {aim}",
        ms(times.median),
        ms(times.best)
    );
}
