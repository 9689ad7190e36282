//! `make bench-commit`: what a step's end and a mount's beginning cost.
//!
//! * A step that changes 10 files of a tree of 200,000: its commit takes less than 5 ms, the sync apart.
//! * A step that writes 20,000 files of 300 MB: its commit takes at most half the time of the writing.
//! * A chain of 100 layers and 1,000,000 files, each directory in all of them: the first listing of a directory takes less than 5 ms.
//!
//! Needs root and `/dev/fuse`. `IECHOR_BENCH_DIR` says where the state lies, else the directory for
//! temporary files.

#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints its table"
)]

mod bed;
#[path = "../../../tests/bench/benchmark.rs"]
mod benchmark;

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bed::{Bed, Step};

/// Turns of each row; what is printed is the median.
const TURNS: usize = 7;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    benchmark::run(run)
}

fn run() -> Result<()> {
    let bed = Bed::new()?;
    println!("{:<52}{:>12}  aim", "what", "median");
    small_commits(&bed)?;
    large_commits(&bed)?;
    first_listings(&bed)
}

fn small_commits(bed: &Bed) -> Result<()> {
    eprintln!("making a tree of 200,000 files");
    let chain = bed.tree(200, 1000)?;
    let (mut commits, mut syncs) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        let step = Step::on(bed, &chain)?;
        for number in 0..10 {
            let path = step.root().join(format!("{}/{number}", turn * 20 + number));
            fs::write(path, format!("{turn} {number}"))?;
        }
        commits.push(step.commit()?.commit);
        syncs.push(timed(|| Ok(bed.store.sync()?))?);
    }
    row("commit, 10 of 200,000 files", median(commits), "< 5 ms");
    row("  and the sync", median(syncs), "");
    Ok(())
}

fn large_commits(bed: &Bed) -> Result<()> {
    eprintln!("writing 20,000 files, {TURNS} times");
    let base = bed.tree(1, 1)?;
    let (mut writes, mut commits, mut removals) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..TURNS {
        let step = Step::on(bed, &base)?;
        writes.push(timed(|| write_files(step.root(), turn))?);
        let ended = step.commit()?;
        commits.push(ended.commit);
        removals.push(ended.removal);
    }
    let (write, commit) = (median(writes), median(commits));
    let ratio = commit.as_secs_f64() / write.as_secs_f64();
    row("20,000 files of 300 MB written in a step", write, "");
    row("commit of them", commit, "");
    println!("{:<52}{ratio:>12.2}  <= 0.5", "  of the time of writing");
    row(
        "  and the scratch directory, behind its back",
        median(removals),
        "",
    );
    Ok(())
}

/// Contents that no turn has written before.
fn write_files(root: &Path, turn: usize) -> Result<()> {
    let mut contents = vec![0x5a; 15_000];
    for dir in 0..100 {
        let dir = root.join(format!("new/{dir}"));
        fs::create_dir_all(&dir)?;
        for number in 0..200 {
            let mut file = fs::File::create(dir.join(number.to_string()))?;
            let name = format!("{turn} {} {number}", dir.display());
            contents[..name.len()].copy_from_slice(name.as_bytes());
            file.write_all(&contents)?;
        }
    }
    Ok(())
}

fn first_listings(bed: &Bed) -> Result<()> {
    eprintln!("making 100 layers of 10,000 files");
    let chain = bed.long_chain(100, 10_000)?;
    let mut listings = Vec::new();
    for turn in 0..TURNS {
        let (view, _session) = bed.view(&chain)?;
        let dir = view.path().join(turn.to_string());
        let mut names = 0;
        listings.push(timed(|| {
            names = fs::read_dir(&dir)?.count();
            Ok(())
        })?);
        if names != 100 {
            return Err(format!("{names} names in {}", dir.display()).into());
        }
    }
    let what = "first listing of 100 names of 100 layers";
    row(what, median(listings), "< 5 ms");
    Ok(())
}

fn timed(what: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let begun = Instant::now();
    what()?;
    Ok(begun.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn row(what: &str, time: Duration, aim: &str) {
    let ms = time.as_secs_f64() * 1000.0;
    println!("{what:<52}{ms:>9.2} ms  {aim}");
}
