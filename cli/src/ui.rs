//! The only writer: data to standard output, everything else to standard error.

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};

use anstyle::{AnsiColor, Style};

use crate::env;
use crate::error::CliError;

/// Whether text is coloured. Colour never carries meaning alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Color {
    /// Styles are written.
    On,
    /// Plain text.
    Off,
}

impl Color {
    /// What the environment asks for on standard error.
    fn of_stderr() -> Self {
        let forced = env::CLICOLOR_FORCE.text().is_some_and(|value| value != "0");
        let dumb = env::TERM.text().is_some_and(|term| term == "dumb");
        let wanted = forced || (io::stderr().is_terminal() && !dumb);
        if wanted && !env::NO_COLOR.is_set() {
            Self::On
        } else {
            Self::Off
        }
    }

    /// `text` in a style, or as it is.
    pub(crate) fn paint(self, style: Style, text: impl Display) -> String {
        match self {
            Self::On => format!("{style}{text}{style:#}"),
            Self::Off => text.to_string(),
        }
    }
}

/// Style of `error:`.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// Style of `warning:`.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// Style of `note:` and `hint:`.
pub(crate) const NOTE: Style = AnsiColor::Cyan.on_default().bold();

/// Where a command's words go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ui {
    color: Color,
    debug: bool,
}

impl Ui {
    /// Looks at standard error and the environment.
    pub(crate) fn new(debug: bool) -> Self {
        Self {
            color: Color::of_stderr(),
            debug,
        }
    }

    /// Whether standard error is coloured.
    pub(crate) fn color(&self) -> Color {
        self.color
    }

    /// Writes data, with a line end, to standard output.
    pub(crate) fn data(&self, text: impl Display) -> Result<(), CliError> {
        self.text(&format!("{text}\n"))
    }

    /// Writes data as it is to standard output.
    pub(crate) fn text(&self, text: &str) -> Result<(), CliError> {
        self.copy(&mut text.as_bytes())
    }

    /// Writes much data to standard output, in large pieces.
    pub(crate) fn write(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), CliError> {
        let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
        write(&mut out)
            .and_then(|()| out.flush())
            .map_err(CliError::from_stdout)
    }

    /// Copies data to standard output as it comes.
    pub(crate) fn copy(&self, from: &mut dyn io::Read) -> Result<(), CliError> {
        let mut stdout = io::stdout().lock();
        io::copy(from, &mut stdout)
            .and_then(|_| stdout.flush())
            .map_err(CliError::from_stdout)
    }

    /// Tells what was done.
    pub(crate) fn status(&self, text: impl Display) {
        self.line(text);
    }

    /// Something that the user should know.
    pub(crate) fn note(&self, text: impl Display) {
        self.labelled(NOTE, "note", text);
    }

    /// Something that may be wrong.
    pub(crate) fn warning(&self, text: impl Display) {
        self.labelled(WARNING, "warning", text);
    }

    /// What to do next.
    pub(crate) fn hint(&self, text: impl Display) {
        self.labelled(NOTE, "hint", text);
    }

    /// Told with `--debug` only.
    pub(crate) fn debug(&self, text: impl Display) {
        if self.debug {
            self.labelled(Style::new().dimmed(), "debug", text);
        }
    }

    /// Tells why the command failed: the error, what caused it, what to do. `program` is how a
    /// command that goes on begins.
    pub(crate) fn error(&self, error: &CliError, program: &str) {
        if error.is_rendered() {
            self.line(error);
        } else {
            self.labelled(ERROR, "error", error);
        }
        for cause in error.causes() {
            self.line(format_args!("  caused by: {cause}"));
        }
        self.debug(format_args!("{error:#?}"));
        for hint in error.hints() {
            self.hint(hint.replace("`iechor ", &format!("`{program} ")));
        }
    }

    /// Asks a yes-or-no question on the terminal; anything but `y` or `yes` is a no.
    pub(crate) fn confirm(&self, question: impl Display) -> bool {
        let mut stderr = io::stderr().lock();
        let mut answer = String::new();
        let asked = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
        asked.is_ok()
            && io::stdin().read_line(&mut answer).is_ok()
            && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
    }

    fn labelled(&self, style: Style, label: &str, text: impl Display) {
        self.line(format_args!("{}: {text}", self.color.paint(style, label)));
    }

    /// A line to standard error. That nobody reads it is no reason to fail.
    fn line(&self, text: impl Display) {
        let _unread = writeln!(io::stderr().lock(), "{text}");
    }
}
