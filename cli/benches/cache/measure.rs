//! Timing the same thing again and again.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// Turns that count; two more come first: the first finds what the commands keep between them.
const TURNS: usize = 15;

/// How long the turns took.
pub(crate) struct Times {
    pub(crate) median: Duration,
    pub(crate) best: Duration,
}

/// Times a command from its start to its end; what it prints is thrown away.
pub(crate) fn command(make: &mut dyn FnMut() -> Command) -> Result<Times> {
    turns(|| {
        let status = make().stdin(Stdio::null()).stdout(Stdio::null()).status()?;
        ensure!(status.success(), "a command ended with {status}");
        Ok(())
    })
}

/// Times anything.
pub(crate) fn turns(mut act: impl FnMut() -> Result<()>) -> Result<Times> {
    let mut times = Vec::new();
    for turn in 0..TURNS + 2 {
        let begun = Instant::now();
        act()?;
        if turn >= 2 {
            times.push(begun.elapsed());
        }
    }
    times.sort_unstable();
    Ok(Times {
        median: times[times.len() / 2],
        best: times[0],
    })
}
