//! `make bench-diff`: two images that differ in 10 of 1,000,000 files, aimed at less than 50 ms.
//!
//! The command is timed from outside, whole, with its output thrown away; beside it the same images
//! are listed whole, which is what a comparison without the layer indexes would have to do twice.
//! What is printed are medians and the best. Needs no root.

#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints its table"
)]

#[path = "../../../tests/bench/benchmark.rs"]
mod benchmark;
mod images;

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// Turns that count; two more come first.
const TURNS: usize = 15;

fn main() -> ExitCode {
    benchmark::run(run)
}

fn run() -> Result<()> {
    eprintln!("making two images of {} files", images::FILES);
    let dir = tempfile::Builder::new().prefix("iechor-bench-").tempdir()?;
    images::make(dir.path())?;
    let told = command(dir.path(), &["diff", "one", "two"]).output()?;
    let lines = String::from_utf8_lossy(&told.stdout).lines().count();
    ensure!(lines == images::DIFFERING, "{lines} differences are told");

    println!("{:<28}{:>12}{:>12}  aim", "what", "median", "best");
    row(dir.path(), &["diff", "one", "two"], "< 50 ms")?;
    row(dir.path(), &["diff", "--stat", "one", "two"], "< 50 ms")?;
    row(dir.path(), &["version"], "what any command costs")?;
    row(dir.path(), &["ls", "-R", "one"], "")
}

fn command(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iechor"));
    command.arg("--root").arg(root).args(args);
    command
}

fn row(root: &Path, args: &[&str], aim: &str) -> Result<()> {
    let mut times = Vec::new();
    for turn in 0..TURNS + 2 {
        let begun = Instant::now();
        let status = command(root, args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()?;
        ensure!(status.success(), "{args:?} ended with {status}");
        if turn >= 2 {
            times.push(begun.elapsed());
        }
    }
    times.sort_unstable();
    let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    let (median, best) = (ms(times[TURNS / 2]), ms(times[0]));
    println!("{:<28}{median:>12}{best:>12}  {aim}", args.join(" "));
    Ok(())
}
