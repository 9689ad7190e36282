//! Listings: a table for people, JSON for programs.

mod cells;
mod parts;

use std::fmt::{Display, Write as _};
use std::io::{self, Write};
use std::time::Duration;

use clap::{Args, ValueEnum};
use iechor_engine::usage::{StepPlace, UsageId};
use serde::Serialize;

use self::cells::Cells;
use self::parts::Part;
use crate::error::CliError;
use crate::ui::Ui;
use crate::units::{self, Ago, Size};

/// Characters of an id that tell it apart.
const SHORT_ID: usize = 12;
/// Columns of free text in a table.
const SHORT_TEXT: usize = 50;

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
    pub(crate) fn place(&mut self, place: &StepPlace<'_>) -> &mut Self {
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
    write_under_titles::<R>(&[cells.into()], style, &mut text).unwrap_or_default();
    String::from_utf8_lossy(&text).into_owned()
}

fn write_table<R: Row>(
    count: usize,
    row: &(impl Fn(usize) -> R + Sync),
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let parts = parts::deal(count, |rows| Cells::of(rows, row, style));
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
