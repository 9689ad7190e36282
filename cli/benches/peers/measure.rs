//! Timing whole commands, two in turn.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// Counted turns of each command; one more comes first and does not count.
const TURNS: usize = 5;

/// Makes the command of one turn.
pub(crate) type Turn = Box<dyn Fn(usize) -> Command>;

/// Something to time; what is done before and after each turn does not count.
pub(crate) struct Contender {
    /// Sets up.
    pub(crate) before: Option<Turn>,
    /// What is timed.
    pub(crate) timed: Turn,
    /// Cleans up.
    pub(crate) after: Option<Turn>,
}

impl Contender {
    /// A command that needs nothing set up and leaves nothing to clean up.
    pub(crate) fn new(timed: impl Fn(usize) -> Command + 'static) -> Self {
        Self {
            before: None,
            timed: Box::new(timed),
            after: None,
        }
    }

    /// With what is done before each turn.
    pub(crate) fn after(self, before: impl Fn(usize) -> Command + 'static) -> Self {
        Self {
            before: Some(Box::new(before)),
            ..self
        }
    }

    /// With what is done after each turn.
    pub(crate) fn then(self, after: impl Fn(usize) -> Command + 'static) -> Self {
        Self {
            after: Some(Box::new(after)),
            ..self
        }
    }
}

/// Two contenders for one row.
pub(crate) struct Race {
    /// iechor.
    pub(crate) ours: Contender,
    /// buildah, or the kernel.
    pub(crate) peer: Contender,
}

/// The medians of both.
pub(crate) struct Medians {
    pub(crate) ours: Duration,
    pub(crate) peer: Duration,
}

/// Lets both take turns and gives the medians.
pub(crate) fn race(race: &Race) -> Result<Medians> {
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for turn in 0..=TURNS {
        let times = (time(&race.ours, turn)?, time(&race.peer, turn)?);
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

fn time(contender: &Contender, turn: usize) -> Result<Duration> {
    if let Some(before) = &contender.before {
        run(&mut before(turn))?;
    }
    let mut timed = (contender.timed)(turn);
    let begun = Instant::now();
    run(&mut timed)?;
    let took = begun.elapsed();
    if let Some(after) = &contender.after {
        run(&mut after(turn))?;
    }
    Ok(took)
}

/// Runs a command; its output is shown only when it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
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
