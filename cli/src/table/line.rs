//! Where a row writes its cells, one of each kind.

use std::fmt::{Display, Write as _};

use iechor_engine::usage::{StepPlace, UsageId};

use super::Style;
use super::cells::Cells;
use crate::units;

/// Where a row writes its cells.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(super) style: &'a Style,
    pub(super) cells: &'a mut Cells,
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
