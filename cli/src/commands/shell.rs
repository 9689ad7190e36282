//! `iechor shell`.

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use clap::Args;
use iechor_engine::error::FailureKind;
use iechor_engine::reference::Selector;
use iechor_engine::shell::{Attach, Moment, Shell, ShellRequest};
use iechor_engine::{CancelToken, OutputSink, StepOutcome, Stream, Terminal};

use super::build::secret;
use crate::env;
use crate::error::{CliError, Failure, code};
use crate::session::Session;
use crate::signals::SignalWatch;

/// Run a shell, or a command, where a step ran: with its files, environment, user, directory,
/// mounts and network; what it writes to the root is thrown away
#[derive(Debug, Args)]
pub(crate) struct ShellArgs {
    /// A step (`build:2`, or a number or key), a stage, an image; an image has its ENV and no ARG
    #[arg(
        value_name = "REF",
        required_unless_present = "failed",
        conflicts_with = "failed"
    )]
    reference: Option<String>,
    /// Where the step that failed last stood, as it left it
    #[arg(long)]
    failed: bool,
    /// The files as the step found them, not as it left them
    #[arg(long)]
    before: bool,
    /// Secret that the step had, given again: `id=ID,src=FILE`, `id=ID,env=NAME`, or `id=ID`
    #[arg(long = "secret", value_name = "id=ID[,src=FILE|,env=NAME]")]
    secrets: Vec<String>,
    /// Command to run [default: the image's SHELL, /bin/bash or /bin/sh]
    #[arg(value_name = "COMMAND", last = true)]
    command: Vec<String>,
}

/// Runs it, and ends with its exit code.
pub(crate) fn run(args: ShellArgs, session: &Session) -> Result<(), CliError> {
    let what = match args.reference {
        Some(reference) => Selector::Named(reference),
        None => Selector::Failed,
    };
    let request = ShellRequest {
        what: &what,
        moment: match args.before {
            true => Moment::Before,
            false => Moment::After,
        },
        command: args.command,
        secrets: secret::read_all(args.secrets)?,
        proxies: env::proxies(),
    };
    session.clear_dead_mounts();
    // All three must come before the first thread.
    let terminal = terminal()?;
    iechor_engine::enter_private_mounts()
        .map_err(|error| Failure::new(error, FailureKind::Internal))?;
    let signals = SignalWatch::start()?;

    let engine = session.engine_in_private_mounts()?;
    let shell = Shell::find(&engine, request)?;
    shell.notes().iter().for_each(|note| session.ui.note(note));
    let mut output = PassOn::to(signals.cancel_token());
    let attach = match &terminal {
        Some(terminal) => {
            session.ui.status(format_args!(
                "{}: what you write is thrown away",
                shell.title()
            ));
            let term = env::TERM.text();
            Attach::Terminal { terminal, term }
        }
        None => streams(&mut output)?,
    };
    let outcome = shell.run(attach, signals.cancel_token())?;
    output.result()?;
    ended(outcome, &signals)
}

/// The terminal that the command was started at; none when a stream is something else.
fn terminal() -> Result<Option<Terminal>, CliError> {
    let (stdin, stdout) = (io::stdin(), io::stdout());
    if !stdin.is_terminal() || !stdout.is_terminal() {
        return Ok(None);
    }
    let both = stdin
        .as_fd()
        .try_clone_to_owned()
        .and_then(|input| Ok((input, stdout.as_fd().try_clone_to_owned()?)));
    let terminal = both.and_then(|(input, output)| Terminal::new(input, output));
    terminal.map(Some).map_err(|source| CliError::Io {
        action: "use the terminal",
        path: "/dev/tty".into(),
        source,
    })
}

fn streams(output: &mut PassOn) -> Result<Attach<'_>, CliError> {
    let stdin = io::stdin().as_fd().try_clone_to_owned();
    let stdin = stdin.map_err(|source| CliError::Io {
        action: "use",
        path: "standard input".into(),
        source,
    })?;
    Ok(Attach::Streams { stdin, output })
}

/// Writes what the command writes; when nobody reads it any more, the command is to end.
struct PassOn {
    cancel: CancelToken,
    failure: Option<io::Error>,
}

impl PassOn {
    fn to(cancel: &CancelToken) -> Self {
        Self {
            cancel: cancel.clone(),
            failure: None,
        }
    }

    fn result(self) -> Result<(), CliError> {
        self.failure
            .map_or(Ok(()), |failure| Err(CliError::from_stdout(failure)))
    }
}

impl OutputSink for PassOn {
    fn output(&mut self, stream: Stream, bytes: &[u8]) {
        if self.failure.is_some() {
            return;
        }
        let written = match stream {
            Stream::Stdout => write(io::stdout().lock(), bytes),
            Stream::Stderr => write(io::stderr().lock(), bytes),
        };
        if let Err(failure) = written {
            self.failure = Some(failure);
            self.cancel.fire();
        }
    }
}

fn write(mut to: impl Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes)?;
    to.flush()
}

/// The command's own exit code; it has said itself what went wrong.
fn ended(outcome: StepOutcome, signals: &SignalWatch) -> Result<(), CliError> {
    match outcome {
        StepOutcome::Exited(0) => Ok(()),
        StepOutcome::Exited(code) => Err(CliError::Ended(code)),
        StepOutcome::Signaled { signal, .. } => {
            let number = u8::try_from(signal).unwrap_or_default();
            Err(CliError::Ended(code::SIGNAL.saturating_add(number)))
        }
        StepOutcome::Cancelled => Err(match signals.interruption() {
            Some(signal) => CliError::Interrupted(signal),
            None => CliError::Ended(code::SIGNAL),
        }),
    }
}
