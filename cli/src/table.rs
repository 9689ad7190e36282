//! Listings: a table for people, JSON for programs.

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::error::CliError;
use crate::ui::Ui;
use crate::units::{Ago, Size};

/// Characters of an id that tell it apart.
const SHORT_ID: usize = 12;
/// Columns of free text in a table.
const SHORT_TEXT: usize = 50;
/// Between two columns.
const GAP: &str = "   ";

/// Options of every listing.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// How it is listed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Ids only
    #[arg(short, long)]
    quiet: bool,
    /// Ids and texts in full
    #[arg(long)]
    no_trunc: bool,
    /// Sizes as exact numbers of bytes
    #[arg(long)]
    bytes: bool,
}

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns
    Table,
    /// One JSON array
    Json,
    /// One JSON object a line
    Ndjson,
}

/// Something that can be listed.
pub(crate) trait Row: Serialize {
    /// Titles of the columns.
    const COLUMNS: &'static [&'static str];

    /// What `--quiet` prints.
    fn id(&self, style: &Style) -> String;

    /// The cells, as many as columns.
    fn cells(&self, style: &Style) -> Vec<String>;
}

/// How cells are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    full: bool,
    bytes: bool,
    now: i64,
}

impl Style {
    /// Everything in full.
    pub(crate) fn whole(now: i64) -> Self {
        Self {
            full: true,
            bytes: false,
            now,
        }
    }

    /// Whether ids and texts are cut.
    pub(crate) fn is_short(&self) -> bool {
        !self.full
    }

    /// An id: 12 digits of it, or all.
    pub(crate) fn id(&self, id: &str) -> String {
        match id.split_once(':') {
            _ if self.full => id.to_owned(),
            Some((_, digits)) => digits.chars().take(SHORT_ID).collect(),
            None => id.chars().take(SHORT_ID).collect(),
        }
    }

    /// Free text on one line, cut unless all is wanted.
    pub(crate) fn text(&self, text: &str) -> String {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if self.full || line.chars().count() <= SHORT_TEXT {
            return line;
        }
        line.chars().take(SHORT_TEXT - 1).chain(['…']).collect()
    }

    /// A number of bytes.
    pub(crate) fn size(&self, bytes: u64) -> String {
        if self.bytes {
            bytes.to_string()
        } else {
            Size(bytes).to_string()
        }
    }

    /// How long ago a time was, in seconds since the epoch; nothing when it is not known.
    pub(crate) fn ago(&self, time: i64) -> String {
        if time <= 0 {
            return String::new();
        }
        let seconds = u64::try_from(self.now.saturating_sub(time)).unwrap_or(0);
        Ago(std::time::Duration::from_secs(seconds)).to_string()
    }
}

impl ListArgs {
    /// Whether people read it, so that totals may follow.
    pub(crate) fn is_table(&self) -> bool {
        self.format == Format::Table && !self.quiet
    }

    /// How cells are to be written.
    pub(crate) fn style(&self, now: i64) -> Style {
        Style {
            full: self.no_trunc,
            bytes: self.bytes,
            now,
        }
    }

    /// Lists rows on standard output.
    pub(crate) fn show<R: Row>(&self, rows: &[R], now: i64, ui: &Ui) -> Result<(), CliError> {
        let style = self.style(now);
        match self.format {
            _ if self.quiet => rows.iter().try_for_each(|row| ui.data(row.id(&style))),
            Format::Table => ui.text(&table(rows, &style)),
            Format::Json => ui.data(json(&rows)?),
            Format::Ndjson => rows.iter().try_for_each(|row| ui.data(compact(row)?)),
        }
    }
}

/// A value as indented JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<String, CliError> {
    serde_json::to_string_pretty(value).map_err(unwritable)
}

/// A value as JSON on one line.
pub(crate) fn compact(value: &impl Serialize) -> Result<String, CliError> {
    serde_json::to_string(value).map_err(unwritable)
}

fn unwritable(error: serde_json::Error) -> CliError {
    CliError::Internal(format!("cannot write JSON: {error}"))
}

/// Rows under their titles.
pub(crate) fn table<R: Row>(rows: &[R], style: &Style) -> String {
    let header = R::COLUMNS.iter().map(ToString::to_string).collect();
    let lines: Vec<Vec<String>> = std::iter::once(header)
        .chain(rows.iter().map(|row| row.cells(style)))
        .collect();
    let widths: Vec<usize> = (0..R::COLUMNS.len())
        .map(|column| width(&lines, column))
        .collect();
    lines.iter().fold(String::new(), |mut text, line| {
        push_line(&mut text, line, &widths);
        text
    })
}

fn width(lines: &[Vec<String>], column: usize) -> usize {
    let cells = lines.iter().filter_map(|line| line.get(column));
    cells.map(|cell| columns(cell)).max().unwrap_or(0)
}

/// How many columns a cell takes. Most are ASCII, and there may be a million of them.
fn columns(cell: &str) -> usize {
    match cell.is_ascii() {
        true => cell.len(),
        false => cell.chars().count(),
    }
}

fn push_line(text: &mut String, cells: &[String], widths: &[usize]) {
    for (cell, width) in cells.iter().zip(widths) {
        let padding = width.saturating_sub(columns(cell));
        text.push_str(cell);
        text.extend(std::iter::repeat_n(' ', padding));
        text.push_str(GAP);
    }
    text.truncate(text.trim_end_matches(' ').len());
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Fruit {
        name: &'static str,
        bytes: u64,
    }

    impl Row for Fruit {
        const COLUMNS: &'static [&'static str] = &["NAME", "SIZE"];

        fn id(&self, style: &Style) -> String {
            style.id(self.name)
        }

        fn cells(&self, style: &Style) -> Vec<String> {
            vec![style.text(self.name), style.size(self.bytes)]
        }
    }

    const STYLE: Style = Style {
        full: false,
        bytes: false,
        now: 100,
    };

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            Fruit {
                name: "fig",
                bytes: 1000,
            },
            Fruit {
                name: "pineapple",
                bytes: 5,
            },
        ];
        let expected = "NAME        SIZE\nfig         1kB\npineapple   5B\n";
        assert_eq!(table(&rows, &STYLE), expected);
        assert_eq!(table::<Fruit>(&[], &STYLE), "NAME   SIZE\n");
    }

    #[test]
    fn what_is_long_is_cut_unless_all_is_wanted() {
        let digest = "sha256:0123456789abcdef0123456789abcdef";
        let long = "x".repeat(60);
        assert_eq!(STYLE.id(digest), "0123456789ab");
        assert_eq!(STYLE.text(&long).chars().count(), 50);
        let full = Style {
            full: true,
            ..STYLE
        };
        assert_eq!(full.id(digest), digest);
        assert_eq!(full.text(&long), long);
    }

    #[test]
    fn times_are_told_from_now() {
        assert_eq!(STYLE.ago(40), "1 minute ago");
        assert_eq!(STYLE.ago(200), "now");
        assert_eq!(STYLE.ago(0), "");
    }
}
