//! Listings: a table for people, JSON for programs.

mod cells;
mod line;
mod parts;
mod style;

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use serde::Serialize;

use self::cells::Cells;
pub(crate) use self::line::Line;
use self::parts::Part;
pub(crate) use self::style::Style;
use crate::error::CliError;
use crate::ui::Ui;

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

    /// What `--quiet` prints: one cell.
    fn id(&self, line: &mut Line<'_>);

    /// The cells, as many as columns.
    fn cells(&self, line: &mut Line<'_>);
}

impl<R: Row> Row for &R {
    const COLUMNS: &'static [&'static str] = R::COLUMNS;

    fn id(&self, line: &mut Line<'_>) {
        R::id(self, line);
    }

    fn cells(&self, line: &mut Line<'_>) {
        R::cells(self, line);
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
    pub(crate) fn show<R: Row + Sync>(
        &self,
        rows: &[R],
        now: i64,
        ui: &Ui,
    ) -> Result<(), CliError> {
        self.show_each(rows.len(), |number| &rows[number], now, ui)
    }

    /// Lists so many rows, each made when its turn comes: there may be 100,000.
    pub(crate) fn show_each<R: Row>(
        &self,
        count: usize,
        row: impl Fn(usize) -> R + Sync,
        now: i64,
        ui: &Ui,
    ) -> Result<(), CliError> {
        let style = self.style(now);
        ui.write(|out| match self.format {
            _ if self.quiet => write_ids(count, &row, &style, out),
            Format::Table => write_table(count, &row, &style, out),
            Format::Json => {
                serde_json::to_writer_pretty(&mut *out, &All { count, row: &row })?;
                writeln!(out)
            }
            Format::Ndjson => (0..count).try_for_each(|number| {
                serde_json::to_writer(&mut *out, &row(number))?;
                writeln!(out)
            }),
        })
    }
}

/// Rows as one array.
struct All<'a, F> {
    count: usize,
    row: &'a F,
}

impl<R: Row, F: Fn(usize) -> R> Serialize for All<'_, F> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..self.count).map(self.row))
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
    let cells = Cells::of(
        0..rows.len(),
        rows.len(),
        &|number: usize| &rows[number],
        style,
    );
    let mut text = Vec::new();
    // A vector takes everything.
    write_under_titles::<R>(&[cells.into()], style, &mut text).unwrap_or_default();
    String::from_utf8_lossy(&text).into_owned()
}

fn write_table<R: Row>(
    count: usize,
    row: &(impl Fn(usize) -> R + Sync),
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let parts = parts::deal(count, |rows| Cells::of(rows, count, row, style));
    write_under_titles::<R>(&parts, style, out)
}

fn write_under_titles<R: Row>(
    parts: &[Part],
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut titles = Cells::new(R::COLUMNS.len(), 1);
    let mut line = titles.line(style);
    for title in R::COLUMNS {
        line.word(title);
    }
    let all = || std::iter::once(&titles).chain(parts.iter().map(|part| &part.cells));
    let width = |column: usize| all().map(|cells| cells.widths[column]).max().unwrap_or(0);
    let widths: Vec<u32> = (0..R::COLUMNS.len()).map(width).collect();
    let mut titles = titles.blocks(1);
    titles.try_for_each(|line| out.write_all(line.lines(&widths).as_bytes()))?;
    parts::write(parts, &widths, out)
}

fn write_ids<R: Row>(
    count: usize,
    row: &impl Fn(usize) -> R,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut cells = Cells::new(1, 1);
    for number in 0..count {
        row(number).id(&mut cells.line(style));
        writeln!(out, "{}", cells.text)?;
        cells.text.clear();
    }
    Ok(())
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

        fn id(&self, line: &mut Line<'_>) {
            line.id(self.name);
        }

        fn cells(&self, line: &mut Line<'_>) {
            line.text(self.name).size(self.bytes);
        }
    }

    const STYLE: Style = Style::whole(100);

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
    fn a_long_table_is_made_in_parts_that_fit_together() {
        let names: Vec<String> = (0..40_000).map(|number| number.to_string()).collect();
        let style = STYLE;
        let row = |number: usize| Named(&names[number]);
        let mut text = Vec::new();
        write_table(names.len(), &row, &style, &mut text).unwrap();
        let lines = names.iter().map(|name| format!("{name:<5}   {name}\n"));
        let expected: String = std::iter::once("A       B\n".to_owned())
            .chain(lines)
            .collect();
        assert!(text == expected.as_bytes());
    }

    #[derive(Serialize)]
    struct Named<'a>(&'a str);

    impl Row for Named<'_> {
        const COLUMNS: &'static [&'static str] = &["A", "B"];

        fn id(&self, line: &mut Line<'_>) {
            line.word(self.0);
        }

        fn cells(&self, line: &mut Line<'_>) {
            line.word(self.0).word(self.0);
        }
    }
}
