//! The cells of rows, and lines that are made of them.

use std::io::{self, Write};

use super::{Line, Row, Style};

/// Spaces between two columns.
const GAP: u32 = 3;

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
    pub(super) fn new(columns: usize, rows: usize) -> Self {
        Self {
            text: String::new(),
            extents: Vec::with_capacity(columns * rows),
            widths: vec![0; columns],
            column: 0,
        }
    }

    /// Of rows by number.
    pub(super) fn of<R: Row>(
        rows: impl Iterator<Item = usize>,
        row: &impl Fn(usize) -> R,
        style: &Style,
    ) -> Self {
        let mut cells = Self::new(R::COLUMNS.len(), rows.size_hint().0);
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

    /// Writes lines with columns of these widths.
    pub(super) fn write(&self, widths: &[u32], out: &mut dyn Write) -> io::Result<()> {
        let mut lines = String::new();
        for block in self.blocks(1) {
            lines.clear();
            block.push_lines(widths, &mut lines);
            out.write_all(lines.as_bytes())?;
        }
        Ok(())
    }
}

impl Block<'_> {
    /// Lays out the lines, with columns of these widths.
    pub(super) fn push_lines(&self, widths: &[u32], lines: &mut String) {
        let mut rest = self.text;
        for line in self.extents.chunks(widths.len()) {
            for (extent, width) in line.iter().zip(widths) {
                let (cell, after) = rest.split_at(extent.bytes as usize);
                lines.push_str(cell);
                push_spaces(lines, width.saturating_sub(extent.columns) + GAP);
                rest = after;
            }
            lines.truncate(lines.trim_end_matches(' ').len());
            lines.push('\n');
        }
    }
}

impl Extent {
    /// A column for each character: for each byte that continues none.
    fn of(cell: &str) -> Self {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            bytes: count(cell.len()),
            columns: count(cell.len() - continuations(cell.as_bytes())),
        }
    }
}

/// How many bytes of a text are neither ASCII nor the first ones of a character (`10xxxxxx`). There may
/// be a million of cells: eight bytes at a time.
fn continuations(text: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let (words, rest) = text.as_chunks::<8>();
    let in_word = |word: &[u8; 8]| {
        let word = u64::from_ne_bytes(*word);
        let found = (word >> 7) & (!word >> 6) & ONES;
        (found.wrapping_mul(ONES) >> 56) as usize
    };
    let in_rest = rest
        .iter()
        .filter(|byte| **byte & 0b1100_0000 == 0b1000_0000);
    words.iter().map(in_word).sum::<usize>() + in_rest.count()
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

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_character_is_a_column(text in "([a-z]{0,9}|.){0,12}") {
            let extent = Extent::of(&text);
            proptest::prop_assert_eq!(extent.columns as usize, text.chars().count());
            proptest::prop_assert_eq!(extent.bytes as usize, text.len());
        }
    }
}
