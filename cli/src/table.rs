//! Listings: a table for people, JSON for programs.

use std::fmt::{Display, Write as _};
use std::io::{self, Write};
use std::ops::Range;
use std::panic::resume_unwind;
use std::thread;
use std::time::Duration;

use clap::{Args, ValueEnum};
use iechor_engine::usage::{StepPlace, UsageId};
use serde::Serialize;

use crate::error::CliError;
use crate::ui::Ui;
use crate::units::{self, Ago, Size};

/// Characters of an id that tell it apart.
const SHORT_ID: usize = 12;
/// Columns of free text in a table.
const SHORT_TEXT: usize = 50;
/// Spaces between two columns.
const GAP: usize = 3;
/// Bytes from which lines are written.
const WRITTEN_AT_ONCE: usize = 1 << 16;

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

    /// A number of bytes.
    pub(crate) fn size(&self, bytes: u64) -> String {
        let mut text = String::new();
        self.push_size(&mut text, bytes);
        text
    }

    /// How long ago a time was, in seconds since the epoch; nothing when it is not known.
    pub(crate) fn ago(&self, time: i64) -> String {
        let mut text = String::new();
        self.push_ago(&mut text, time);
        text
    }

    fn push_size(&self, text: &mut String, bytes: u64) {
        match self.bytes {
            true => units::push_number(text, bytes),
            false => Size(bytes).push(text),
        }
    }

    fn push_ago(&self, text: &mut String, time: i64) {
        if time > 0 {
            let seconds = u64::try_from(self.now.saturating_sub(time)).unwrap_or(0);
            Ago(Duration::from_secs(seconds)).push(text);
        }
    }

    fn push_id(&self, text: &mut String, id: &str) {
        let digits = id.split_once(':').map_or(id, |(_, digits)| digits);
        match self.full {
            true => text.push_str(id),
            false => text.extend(digits.chars().take(SHORT_ID)),
        }
    }

    /// Free text on one line, cut unless all is wanted.
    fn push_text(&self, to: &mut String, text: &str) {
        if let Some(cut) = self.plain(text) {
            to.push_str(cut);
            to.push_str(if cut.len() < text.len() { "…" } else { "" });
            return;
        }
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if self.full || line.chars().count() <= SHORT_TEXT {
            to.push_str(&line);
        } else {
            to.extend(line.chars().take(SHORT_TEXT - 1).chain(['…']));
        }
    }

    /// What is shown of a text that has nothing to be joined or counted where it is shown: of most.
    fn plain<'a>(&self, text: &'a str) -> Option<&'a str> {
        let (looked_at, shown) = match self.full || text.len() <= SHORT_TEXT {
            true => (text, text),
            // One more than fit, so that there is something to cut.
            false => (text.get(..=SHORT_TEXT)?, text.get(..SHORT_TEXT - 1)?),
        };
        is_plain(looked_at.as_bytes()).then_some(shown)
    }
}

/// Whether these are words of ASCII with single spaces between. Looked at without a branch, many
/// bytes at a time.
fn is_plain(text: &[u8]) -> bool {
    let is_odd = |byte: &u8| !(b' '..=b'~').contains(byte);
    let odd = text.iter().fold(false, |odd, byte| odd | is_odd(byte));
    let after = text.get(1..).unwrap_or_default();
    let pairs = text.iter().zip(after);
    let doubled = pairs.fold(false, |found, (one, next)| {
        found | ((*one == b' ') & (*next == b' '))
    });
    let at_an_end = text.first() == Some(&b' ') || text.last() == Some(&b' ');
    !(odd | doubled | at_an_end)
}

/// Where a row writes its cells.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    style: &'a Style,
    cells: &'a mut Cells,
}

impl Line<'_> {
    /// A word as it is.
    pub(crate) fn word(&mut self, word: impl AsRef<str>) -> &mut Self {
        self.cell(|text, _| text.push_str(word.as_ref()))
    }

    /// Anything as it prints itself.
    pub(crate) fn show(&mut self, what: impl Display) -> &mut Self {
        // A string takes everything.
        self.cell(|text, _| write!(text, "{what}").unwrap_or_default())
    }

    /// A count.
    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.cell(|text, _| units::push_number(text, number))
    }

    /// An id: 12 digits of it, or all.
    pub(crate) fn id(&mut self, id: &str) -> &mut Self {
        self.cell(|text, style| style.push_id(text, id))
    }

    /// What usage and prunes call a record, as [`Line::id`].
    pub(crate) fn usage_id(&mut self, id: &UsageId) -> &mut Self {
        self.cell(|text, style| match style.full {
            true => write!(text, "{id}").unwrap_or_default(),
            false => id.push_short(text),
        })
    }

    /// Where a step stands.
    pub(crate) fn place(&mut self, place: &StepPlace) -> &mut Self {
        self.cell(|text, _| {
            text.push_str(&place.file);
            text.push(':');
            units::push_number(text, place.line.into());
        })
    }

    /// Free text on one line, cut unless all is wanted.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.indented(0, text)
    }

    /// Free text after two spaces for each step of its depth.
    pub(crate) fn indented(&mut self, depth: usize, text: &str) -> &mut Self {
        self.cell(|to, style| {
            to.extend(std::iter::repeat_n("  ", depth));
            style.push_text(to, text);
        })
    }

    /// A number of bytes.
    pub(crate) fn size(&mut self, bytes: u64) -> &mut Self {
        self.cell(|text, style| style.push_size(text, bytes))
    }

    /// How long ago a time was, in seconds since the epoch; nothing when it is not known.
    pub(crate) fn ago(&mut self, time: i64) -> &mut Self {
        self.cell(|text, style| style.push_ago(text, time))
    }

    fn cell(&mut self, write: impl FnOnce(&mut String, &Style)) -> &mut Self {
        let begun = self.cells.text.len();
        write(&mut self.cells.text, self.style);
        self.cells.end_cell(begun);
        self
    }
}

/// The cells of many rows, one after the other in one text.
#[derive(Debug)]
struct Cells {
    text: String,
    extents: Vec<Extent>,
    /// Of the widest cell of each column.
    widths: Vec<u32>,
    /// Which column the next cell is in.
    column: usize,
}

/// How much of the text is a cell, and how much of a line it takes.
#[derive(Debug, Clone, Copy)]
struct Extent {
    bytes: u32,
    columns: u32,
}

impl Cells {
    fn new(columns: usize, rows: usize) -> Self {
        Self {
            text: String::new(),
            extents: Vec::with_capacity(columns * rows),
            widths: vec![0; columns],
            column: 0,
        }
    }

    /// Of rows by number.
    fn of<R: Row>(rows: Range<usize>, row: &impl Fn(usize) -> R, style: &Style) -> Self {
        let mut cells = Self::new(R::COLUMNS.len(), rows.len());
        for number in rows {
            row(number).cells(&mut cells.line(style));
        }
        cells
    }

    fn line<'a>(&'a mut self, style: &'a Style) -> Line<'a> {
        Line { style, cells: self }
    }

    fn end_cell(&mut self, begun: usize) {
        let cell = &self.text[begun..];
        let extent = Extent::of(cell);
        let width = &mut self.widths[self.column];
        *width = extent.columns.max(*width);
        self.extents.push(extent);
        self.column += 1;
        if self.column == self.widths.len() {
            self.column = 0;
        }
    }

    /// Writes lines with columns of these widths, many at a time.
    fn write(&self, widths: &[u32], out: &mut dyn Write) -> io::Result<()> {
        let mut lines = String::with_capacity(2 * WRITTEN_AT_ONCE);
        let mut rest = self.text.as_str();
        for line in self.extents.chunks(widths.len()) {
            for (extent, width) in line.iter().zip(widths) {
                let (cell, after) = rest.split_at(extent.bytes as usize);
                lines.push_str(cell);
                push_spaces(
                    &mut lines,
                    width.saturating_sub(extent.columns) as usize + GAP,
                );
                rest = after;
            }
            lines.truncate(lines.trim_end_matches(' ').len());
            lines.push('\n');
            if lines.len() >= WRITTEN_AT_ONCE {
                out.write_all(lines.as_bytes())?;
                lines.clear();
            }
        }
        out.write_all(lines.as_bytes())
    }
}

fn push_spaces(line: &mut String, mut count: usize) {
    const SPACES: &str = "                                                                ";
    while count > 0 {
        let spaces = count.min(SPACES.len());
        line.push_str(&SPACES[..spaces]);
        count -= spaces;
    }
}

impl Extent {
    /// A column for each character: bytes that continue none. There may be a million of cells, most
    /// of them short and ASCII.
    fn of(cell: &str) -> Self {
        const LAST_CONTINUATION: i8 = 0b1011_1111_u8.cast_signed();
        let begins = |byte: &&u8| byte.cast_signed() > LAST_CONTINUATION;
        let columns = match cell.is_ascii() {
            true => cell.len(),
            false => cell.as_bytes().iter().filter(begins).count(),
        };
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            bytes: count(cell.len()),
            columns: count(columns),
        }
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
    let cells = Cells::of(0..rows.len(), &|number: usize| &rows[number], style);
    let mut text = Vec::new();
    // A vector takes everything.
    write_under_titles::<R>(&[cells], style, &mut text).unwrap_or_default();
    String::from_utf8_lossy(&text).into_owned()
}

fn write_table<R: Row>(
    count: usize,
    row: &(impl Fn(usize) -> R + Sync),
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let parts = in_parts(count, |rows| Cells::of(rows, row, style));
    write_under_titles::<R>(&parts, style, out)
}

fn write_under_titles<R: Row>(
    parts: &[Cells],
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut titles = Cells::new(R::COLUMNS.len(), 1);
    let mut line = titles.line(style);
    for title in R::COLUMNS {
        line.word(title);
    }
    let all = || std::iter::once(&titles).chain(parts);
    let width = |column: usize| all().map(|cells| cells.widths[column]).max().unwrap_or(0);
    let widths: Vec<u32> = (0..R::COLUMNS.len()).map(width).collect();
    titles.write(&widths, out)?;
    write_parts(parts, &widths, out)
}

/// Writes the first part while other threads lay out the others.
fn write_parts(parts: &[Cells], widths: &[u32], out: &mut dyn Write) -> io::Result<()> {
    let Some((first, others)) = parts.split_first() else {
        return Ok(());
    };
    let laid_out = |cells: &Cells| {
        let mut lines = Vec::with_capacity(2 * cells.text.len());
        cells.write(widths, &mut lines).map(|()| lines)
    };
    thread::scope(|scope| {
        let others: Vec<_> = others
            .iter()
            .map(|cells| scope.spawn(move || laid_out(cells)))
            .collect();
        first.write(widths, out)?;
        others.into_iter().try_for_each(|other| {
            let lines = other.join().unwrap_or_else(|panic| resume_unwind(panic));
            out.write_all(&lines?)
        })
    })
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

/// Rows from which a second thread spares more time than starting it takes.
const WORTH_A_THREAD: usize = 5000;

/// Does what is to be done for rows, for many of them on several threads, a part each.
fn in_parts<T: Send>(count: usize, act: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let parts = threads.min(count / WORTH_A_THREAD).max(1);
    let part = |number: usize| number * count / parts..(number + 1) * count / parts;
    thread::scope(|scope| {
        let act = &act;
        let others: Vec<_> = (1..parts)
            .map(|number| scope.spawn(move || act(part(number))))
            .collect();
        let others = others
            .into_iter()
            .map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        std::iter::once(act(part(0))).chain(others).collect()
    })
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
        assert_eq!(cell(&STYLE, |line| line.id(digest)), "0123456789ab");
        let cut = cell(&STYLE, |line| line.text(&long));
        assert_eq!(cut, "x".repeat(49) + "…");
        assert_eq!(cell(&FULL, |line| line.id(digest)), digest);
        assert_eq!(cell(&FULL, |line| line.text(&long)), long);
    }

    const FULL: Style = Style {
        full: true,
        ..STYLE
    };

    fn cell(
        style: &Style,
        write: impl for<'a, 'b> FnOnce(&'a mut Line<'b>) -> &'a mut Line<'b>,
    ) -> String {
        let mut cells = Cells::new(1, 1);
        write(&mut cells.line(style));
        cells.text
    }

    /// A text as it is shown, word by word and character by character.
    fn shown_slowly(style: &Style, text: &str) -> String {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match style.full || line.chars().count() <= SHORT_TEXT {
            true => line,
            false => line.chars().take(SHORT_TEXT - 1).chain(['…']).collect(),
        }
    }

    proptest::proptest! {
        #[test]
        fn a_text_of_any_kind_is_one_line(text in "([a-c]{0,9}[ \\n\u{e9}]{0,2}){0,12}") {
            for style in [STYLE, FULL] {
                let shown = cell(&style, |line| line.text(&text));
                proptest::prop_assert_eq!(shown, shown_slowly(&style, &text));
            }
        }
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

    #[test]
    fn times_are_told_from_now() {
        assert_eq!(STYLE.ago(40), "1 minute ago");
        assert_eq!(STYLE.ago(200), "now");
        assert_eq!(STYLE.ago(0), "");
    }
}
