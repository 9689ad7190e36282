//! `make bench`: iechor beside buildah and the kernel's overlayfs, in the same run.
//!
//! Every row is a whole command, timed from outside. Ours and the peer's take turns, so that a
//! machine whose speed drifts is the same for both; what is printed are medians and their ratio.
//! Needs root, `buildah`, `runc` and a static busybox (`make deps`).

#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints its table"
)]

#[path = "../../../tests/bench/benchmark.rs"]
mod benchmark;
mod measure;
mod peer;
mod table;
mod workload;

use std::process::ExitCode;

use anyhow::Result;

fn main() -> ExitCode {
    benchmark::run(run)
}

fn run() -> Result<()> {
    let place = tempfile::Builder::new().prefix("iechor-bench-").tempdir()?;
    let mut table = table::Table::new();
    for workload in workload::all() {
        eprintln!("measuring: {}", workload.name);
        let dir = place.path().join(workload.slug);
        std::fs::create_dir(&dir)?;
        let race = (workload.prepare)(&dir)?;
        let raced = measure::race(&race);
        peer::release(&dir)?;
        table.add(&workload, &raced?);
    }
    print!("{table}");
    Ok(())
}
