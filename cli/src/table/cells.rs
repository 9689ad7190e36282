//! The cells of rows, and lines that are made of them.

use super::{Line, Row, Style};

/// Spaces between two columns.
const GAP: u32 = 3;

/// Bytes that the cells of a row take, about.
const ROW: usize = 128;

/// The cells of many rows, one after the other in one text.
#[derive(Debug)]
pub(super) struct Cells {
    pub(super) text: String,
    extents: Vec<Extent>,
    /// Of the widest cell of each column.
    pub(super) widths: Vec<u32>,
    /// Which column the next cell is in.
    column: usize,
}

/// How much of the text is a cell, and how much of a line it takes.
#[derive(Debug, Clone, Copy)]
struct Extent {
    bytes: u32,
    columns: u32,
}

/// Rows of cells that follow each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block<'a> {
    text: &'a str,
    extents: &'a [Extent],
}

impl Cells {
    /// With room for so many rows. Room that is not used costs nothing; to grow would cost a copy.
    pub(super) fn new(columns: usize, rows: usize) -> Self {
        Self {
            text: String::with_capacity(rows * ROW),
            extents: Vec::with_capacity(columns * rows),
            widths: vec![0; columns],
            column: 0,
        }
    }

    /// Of rows by number, so many at most.
    pub(super) fn of<R: Row>(
        rows: impl Iterator<Item = usize>,
        most: usize,
        row: &impl Fn(usize) -> R,
        style: &Style,
    ) -> Self {
        let mut cells = Self::new(R::COLUMNS.len(), most);
        for number in rows {
            row(number).cells(&mut cells.line(style));
        }
        cells
    }

    pub(super) fn line<'a>(&'a mut self, style: &'a Style) -> Line<'a> {
        Line { style, cells: self }
    }

    /// The text from `begun` on is a cell.
    pub(super) fn end_cell(&mut self, begun: usize) {
        let extent = Extent::of(&self.text[begun..]);
        let width = &mut self.widths[self.column];
        *width = extent.columns.max(*width);
        self.extents.push(extent);
        self.column += 1;
        if self.column == self.widths.len() {
            self.column = 0;
        }
    }

    /// All rows, so many at a time.
    pub(super) fn blocks(&self, rows: usize) -> impl Iterator<Item = Block<'_>> {
        let mut rest = self.text.as_str();
        self.extents
            .chunks(rows * self.widths.len())
            .map(move |extents| {
                let bytes = extents.iter().map(|extent| extent.bytes as usize).sum();
                let (text, after) = rest.split_at(bytes);
                rest = after;
                Block { text, extents }
            })
    }
}

impl Block<'_> {
    /// Lays out the lines, with columns of these widths.
    pub(super) fn lines(&self, widths: &[u32]) -> String {
        let mut lines = String::with_capacity(self.bytes_of_lines(widths));
        let mut rest = self.text;
        for line in self.extents.chunks(widths.len()) {
            for (extent, width) in line.iter().zip(widths) {
                let (cell, after) = rest.split_at(extent.bytes as usize);
                lines.push_str(cell);
                push_spaces(&mut lines, width.saturating_sub(extent.columns) + GAP);
                rest = after;
            }
            lines.truncate(lines.trim_end_matches(' ').len());
            lines.push('\n');
        }
        lines
    }

    /// At most, when all are ASCII.
    fn bytes_of_lines(&self, widths: &[u32]) -> usize {
        let columns: u32 = widths.iter().map(|width| width + GAP).sum();
        columns as usize * self.extents.len() / widths.len().max(1)
    }
}

impl Extent {
    /// A column for each character.
    fn of(cell: &str) -> Self {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let columns = match cell.is_ascii() {
            true => cell.len(),
            false => cell.chars().count(),
        };
        Self {
            bytes: count(cell.len()),
            columns: count(columns),
        }
    }
}

fn push_spaces(line: &mut String, count: u32) {
    const SPACES: &str = "                                                                ";
    let mut count = count as usize;
    while count > 0 {
        let spaces = count.min(SPACES.len());
        line.push_str(&SPACES[..spaces]);
        count -= spaces;
    }
}
