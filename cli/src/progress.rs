//! What a build tells, drawn: one model of the build, a renderer for each mode.
//!
//! Everything goes to standard error. Events come from several threads; they are taken one at a
//! time, first into the [`Model`], then to the [`Renderer`].

mod model;
mod plain;
mod quiet;
mod rawjson;
mod screen;
mod summary;
mod text;
mod tty;

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use clap::ValueEnum;
use iechor_engine::build::BuildReport;
use iechor_engine::{Event, ProgressSink};

use self::model::Model;
use self::summary::Summary;
use crate::env;
use crate::error::CliError;
use crate::ui::Color;

/// How often a live display is drawn.
const FRAME: Duration = Duration::from_millis(100);

/// `--progress`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// tty on a terminal, else plain
    Auto,
    /// Lines, as buildx writes them
    Plain,
    /// A live view; plain where there is no terminal
    Tty,
    /// Nothing but errors; the image id on standard output
    #[value(alias = "none")]
    Quiet,
    /// One JSON object a line, as buildx writes them
    Rawjson,
}

/// Settles the mode: what was asked, else the environment, else what standard error is.
pub(crate) fn choose(asked: Option<Mode>) -> Result<Mode, CliError> {
    let wanted = match asked {
        Some(mode) => mode,
        None => from_environment()?.unwrap_or(Mode::Auto),
    };
    Ok(match wanted {
        Mode::Tty if !is_live_terminal() => Mode::Plain,
        Mode::Auto if is_live_terminal() && !env::CI.is_set() => Mode::Tty,
        Mode::Auto => Mode::Plain,
        other => other,
    })
}

fn from_environment() -> Result<Option<Mode>, CliError> {
    let variables = [env::PROGRESS, env::BUILDKIT_PROGRESS];
    let found = variables
        .into_iter()
        .find_map(|variable| Some((variable, variable.text()?)));
    let Some((variable, text)) = found else {
        return Ok(None);
    };
    Mode::from_str(&text, true).map(Some).map_err(|_| {
        CliError::usage(format!(
            "{} is `{text}`: it may be auto, plain, tty, quiet or rawjson",
            variable.name
        ))
    })
}

fn is_live_terminal() -> bool {
    io::stderr().is_terminal() && env::TERM.text().is_none_or(|term| term != "dumb")
}

/// Draws a build. It is told everything, and keeps what a later drawing needs in the model.
trait Renderer: Send {
    /// Something happened; `model` knows it already.
    fn event(&mut self, model: &Model, event: &Event) -> io::Result<()>;

    /// Time passed.
    fn tick(&mut self, _model: &Model) -> io::Result<()> {
        Ok(())
    }

    /// It is over; there is a summary when it was a build.
    fn finish(&mut self, model: &Model, summary: Option<&Summary>) -> io::Result<()>;
}

/// What is being done, as the head of a live view says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// A build.
    Build,
    /// A pull.
    Pull,
    /// A push.
    Push,
}

impl Work {
    fn words(self) -> &'static str {
        match self {
            Self::Build => "Building",
            Self::Pull => "Pulling",
            Self::Push => "Pushing",
        }
    }
}

fn renderer(work: Work, mode: Mode, color: Color) -> Box<dyn Renderer> {
    let out = io::stderr();
    match mode {
        Mode::Tty => Box::new(tty::Tty::new(out, color, work)),
        Mode::Quiet => Box::new(quiet::Quiet::new(out)),
        Mode::Rawjson => Box::new(rawjson::RawJson::new(out)),
        Mode::Plain | Mode::Auto => {
            Box::new(plain::Plain::new(out, plain::Folding::from_environment()))
        }
    }
}

/// One build's display, from start to finish.
pub(crate) struct Progress {
    shared: Arc<Mutex<Display>>,
    clock: Option<Clock>,
}

struct Display {
    model: Model,
    renderer: Box<dyn Renderer>,
}

impl Display {
    // A closed or full standard error is no reason to end a build: the results of drawing are
    // dropped here, once.
    fn event(&mut self, event: &Event) {
        self.model.apply(event);
        let _drawn = self.renderer.event(&self.model, event);
    }

    fn tick(&mut self) {
        let _drawn = self.renderer.tick(&self.model);
    }

    fn finish(&mut self, summary: Option<&Summary>) {
        let _drawn = self.renderer.finish(&self.model, summary);
    }
}

impl Progress {
    /// Begins to draw.
    pub(crate) fn start(work: Work, mode: Mode, color: Color) -> Result<Self, CliError> {
        let display = Display {
            model: Model::new(),
            renderer: renderer(work, mode, color),
        };
        let shared = Arc::new(Mutex::new(display));
        let clock = match mode {
            Mode::Tty => Some(Clock::start(Arc::clone(&shared))?),
            _ => None,
        };
        Ok(Self { shared, clock })
    }

    /// Draws the end of a build: the summary, and of a failed step its last lines.
    pub(crate) fn finish_build(self, report: &BuildReport) {
        // A build that came to no step has nothing to sum up: its error says it all.
        self.finish(|model| (!model.steps().is_empty()).then(|| Summary::of(model, report)));
    }

    /// Draws the end of a pull or push.
    pub(crate) fn finish_transfer(self) {
        self.finish(|_| None);
    }

    fn finish(self, summary: impl FnOnce(&Model) -> Option<Summary>) {
        if let Some(clock) = self.clock {
            clock.stop();
        }
        let mut display = lock(&self.shared);
        let summary = summary(&display.model);
        display.finish(summary.as_ref());
    }
}

impl ProgressSink for Progress {
    fn event(&self, event: Event) {
        lock(&self.shared).event(&event);
    }
}

/// A renderer that panicked has drawn nonsense at worst: the build goes on.
fn lock(shared: &Mutex<Display>) -> MutexGuard<'_, Display> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Draws a frame at regular intervals, until it is stopped.
struct Clock {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Clock {
    fn start(display: Arc<Mutex<Display>>) -> Result<Self, CliError> {
        let (stop, stopped) = mpsc::channel();
        let run = move || {
            while stopped.recv_timeout(FRAME) == Err(RecvTimeoutError::Timeout) {
                lock(&display).tick();
            }
        };
        let thread = std::thread::Builder::new()
            .name("progress".to_owned())
            .spawn(run);
        let thread = thread.map_err(|error| {
            CliError::Internal(format!("cannot start the progress display: {error}"))
        })?;
        Ok(Self { stop, thread })
    }

    fn stop(self) {
        drop(self.stop);
        // A thread that panicked draws no more, which is all that is wanted here.
        let _ended = self.thread.join();
    }
}
