//! `make bench-diff`: two images that differ in 10 of 1,000,000 files, aimed at less than 50 ms.
//!
//! The command is timed from outside, whole, with its output thrown away; beside it the same images
//! are listed whole, which is what a comparison without the layer indexes would have to do twice.
//! The first comparison of a boot verifies the indexes as a whole: it is timed with the list of those
//! that are known to be whole taken away, and once more with their pages out of memory as well.
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

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rustix::fs::{Advice, fadvise};

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
    let diff = ["diff", "one", "two"];
    row(dir.path(), &diff, warm, "< 50 ms")?;
    row(
        dir.path(),
        &["diff", "--stat", "one", "two"],
        warm,
        "< 50 ms",
    )?;
    row(dir.path(), &diff, unverified, "the first of a boot")?;
    row(dir.path(), &diff, cold, "and nothing in memory")?;
    row(dir.path(), &["version"], warm, "what any command costs")?;
    row(dir.path(), &["ls", "-R", "one"], warm, "")
}

/// As the last command left things.
fn warm(_: &Path) -> Result<()> {
    Ok(())
}

/// No index is known to be whole, as after a boot.
fn unverified(root: &Path) -> Result<()> {
    Ok(fs::remove_file(root.join("verified"))?)
}

/// No index is in memory either.
fn cold(root: &Path) -> Result<()> {
    unverified(root)?;
    for shelf in fs::read_dir(root.join("layers"))? {
        for index in fs::read_dir(shelf?.path())? {
            fadvise(File::open(index?.path())?, 0, None, Advice::DontNeed)?;
        }
    }
    Ok(())
}

fn command(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iechor"));
    command.arg("--root").arg(root).args(args);
    command
}

/// Times a command; `prepare` is not timed.
fn row(root: &Path, args: &[&str], prepare: impl Fn(&Path) -> Result<()>, aim: &str) -> Result<()> {
    let mut times = Vec::new();
    for turn in 0..TURNS + 2 {
        prepare(root)?;
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
