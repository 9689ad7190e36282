//! Timing whole commands, two in turn.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// Counted turns of each command; one more comes first and does not count.
const TURNS: usize = 5;

/// Something to time: what is done before each turn does not count, what is done after neither.
pub struct Contender {
    /// Puts things where the command expects them.
    pub before: Vec<Command>,
    /// What is timed.
    pub timed: Command,
    /// Cleans up.
    pub after: Vec<Command>,
}

impl Contender {
    /// A command that needs nothing around it.
    pub fn new(timed: Command) -> Self {
        Self {
            before: Vec::new(),
            timed,
            after: Vec::new(),
        }
    }
}

/// Two contenders for one row.
pub struct Race {
    /// iechor.
    pub ours: Contender,
    /// buildah, or the kernel.
    pub peer: Contender,
}

/// The medians of both.
pub struct Medians {
    pub ours: Duration,
    pub peer: Duration,
}

/// Lets both take turns and gives the medians.
pub fn race(mut race: Race) -> Result<Medians> {
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for turn in 0..=TURNS {
        let times = (time(&mut race.ours)?, time(&mut race.peer)?);
        if turn > 0 {
            ours.push(times.0);
            peer.push(times.1);
        }
    }
    Ok(Medians {
        ours: median(ours),
        peer: median(peer),
    })
}

fn time(contender: &mut Contender) -> Result<Duration> {
    contender.before.iter_mut().try_for_each(run)?;
    let begun = Instant::now();
    run(&mut contender.timed)?;
    let took = begun.elapsed();
    contender.after.iter_mut().try_for_each(run)?;
    Ok(took)
}

/// Runs a command; its output is shown only when it fails.
pub fn run(command: &mut Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?} failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
