//! `make bench-fs`: what a step's file system costs, beside the kernel's overlayfs and fuse-overlayfs.
//!
//! Ours is what `iechor mount --rw` gives, which is what a RUN step has: the kernel's overlayfs over
//! our read-only FUSE mount of the chain. In each round every ground in turn, another first each
//! time, is mounted afresh on the same files and runs all rows in their order; what is printed are
//! medians, and ratios to the kernel's overlayfs. It all lies on a
//! new ext4 in a file of `/var/tmp`, or in `IECHOR_BENCH_DIR`; it needs 20 GB there. Needs root.
//! `IECHOR_BENCH_ROUNDS` (5) says how many rounds.

#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints its table"
)]

#[path = "../../../tests/bench/benchmark.rs"]
mod benchmark;
mod disk;
mod ground;
mod inputs;
mod rows;
mod shell;
mod table;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::disk::Disk;
use crate::ground::{Ground, Mounted};
use crate::inputs::Inputs;
use crate::rows::{Caches, Row};
use crate::shell::shell;
use crate::table::Table;

fn main() -> ExitCode {
    benchmark::run(run)
}

fn run() -> Result<()> {
    let rounds = rounds()?;
    let disk = Disk::make()?;
    let place = disk.path();
    let inputs = Inputs::make(&place)?;
    let mut table = Table::default();
    for round in 0..rounds {
        for ground in Ground::in_turn(round) {
            eprintln!("round {} of {rounds}: {}", round + 1, ground.name());
            for (lower, rows) in [
                (&inputs.tree, rows::on_a_tree()),
                (&inputs.chain, rows::on_a_long_chain()),
            ] {
                let name = format!("{}-{}-{round}", ground.name(), lower.image);
                let mounted = Mounted::new(ground, lower, &place, &name)?;
                race(&rows, ground, &mounted, &inputs, &mut table)?;
                mounted.end()?;
            }
        }
    }
    print!("{table}");
    Ok(())
}

fn rounds() -> Result<usize> {
    let asked = std::env::var("IECHOR_BENCH_ROUNDS").unwrap_or_else(|_| "5".into());
    asked
        .parse()
        .with_context(|| format!("IECHOR_BENCH_ROUNDS={asked:?} is no number"))
}

/// Runs all rows on one ground.
fn race(
    rows: &[Row],
    ground: Ground,
    mounted: &Mounted<'_>,
    inputs: &Inputs,
    table: &mut Table,
) -> Result<()> {
    for row in rows {
        let took = time(row, mounted.dir(), &inputs.dir)
            .with_context(|| format!("{:?} on {}", row.name, ground.name()))?;
        table.add(row.name, ground, took);
    }
    Ok(())
}

/// What was written before is on the disk when the clock starts, so that no row pays for another's.
fn time(row: &Row, mount: &Path, inputs: &Path) -> Result<Duration> {
    shell("sync", mount, inputs)?;
    if row.caches == Caches::Cold {
        drop_caches()?;
    }
    let begun = Instant::now();
    shell(row.script, mount, inputs)?;
    Ok(begun.elapsed())
}

fn drop_caches() -> Result<()> {
    let root = Path::new("/");
    shell("sync && echo 3 >/proc/sys/vm/drop_caches", root, root)
}
