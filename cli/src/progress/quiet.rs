//! `--quiet`: warnings, and of a failed step its last lines. Nothing else.

use std::io::{self, Write};

use iechor_engine::Event;

use super::Renderer;
use super::model::Model;
use super::plain::write_failures;
use super::summary::Summary;
use super::text;

/// Shows what is wrong.
#[derive(Debug)]
pub(super) struct Quiet<W> {
    out: W,
}

impl<W> Quiet<W> {
    /// Writes to `out`.
    pub(super) fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write + Send> Renderer for Quiet<W> {
    fn event(&mut self, _: &Model, event: &Event) -> io::Result<()> {
        match event {
            Event::Warning(warning) => writeln!(self.out, "{}", text::labelled(warning)),
            _ => Ok(()),
        }
    }

    fn finish(&mut self, model: &Model, _: Option<&Summary>) -> io::Result<()> {
        let mut text = Vec::new();
        write_failures(&mut text, model)?;
        self.out.write_all(&text)
    }
}
