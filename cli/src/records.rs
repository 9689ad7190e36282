//! Output with a record a line: text for people, JSON for programs.

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::error::CliError;
use crate::table;
use crate::ui::Ui;

/// The option of commands that give records.
#[derive(Debug, Args)]
pub(crate) struct FormatArgs {
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line each
    Text,
    /// One JSON array
    Json,
    /// One JSON object a line
    Ndjson,
}

impl FormatArgs {
    /// Writes records to standard output; `line` gives one as text.
    pub(crate) fn show<R: Serialize>(
        &self,
        records: &[R],
        ui: &Ui,
        line: impl Fn(&R) -> String,
    ) -> Result<(), CliError> {
        match self.format {
            Format::Text => ui.text(&lines(records.iter().map(line))),
            Format::Json => ui.data(table::json(&records)?),
            Format::Ndjson => {
                let records: Result<Vec<_>, _> = records.iter().map(table::compact).collect();
                ui.text(&lines(records?))
            }
        }
    }

    /// Writes a single record.
    pub(crate) fn show_one<R: Serialize>(
        &self,
        record: &R,
        ui: &Ui,
        line: impl Fn(&R) -> String,
    ) -> Result<(), CliError> {
        match self.format {
            Format::Text => ui.data(line(record)),
            Format::Json => ui.data(table::json(record)?),
            Format::Ndjson => ui.data(table::compact(record)?),
        }
    }
}

fn lines(lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().map(|line| line + "\n").collect()
}
