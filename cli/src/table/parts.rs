//! Long tables, made and laid out on several threads.
//!
//! Rows are dealt to the threads in blocks, as cards are. So lines can be written in their order while
//! they are laid out, and no thread has more of them in memory than a few blocks.

use std::io::{self, Write};
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::cells::{Block, Cells};

/// Rows from which a second thread spares more time than starting it takes.
const WORTH_A_THREAD: usize = 5000;

/// Rows of a block: few enough to stay near the processor.
const ROWS: usize = 256;

/// Blocks that a thread is ahead of what is written.
const AHEAD: usize = 8;

/// Makes the cells of so many rows, of many on several threads. Each part has one block in so many.
pub(super) fn deal(
    count: usize,
    make: impl Fn(&mut dyn Iterator<Item = usize>) -> Cells + Sync,
) -> Vec<Cells> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let parts = threads.min(count / WORTH_A_THREAD).max(1);
    let part = |number: usize| {
        let blocks = (number * ROWS..count).step_by(parts * ROWS);
        make(&mut blocks.flat_map(|begin| begin..count.min(begin + ROWS)))
    };
    thread::scope(|scope| {
        let part = &part;
        let others: Vec<_> = (1..parts)
            .map(|number| scope.spawn(move || part(number)))
            .collect();
        let others = others
            .into_iter()
            .map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        std::iter::once(part(0)).chain(others).collect()
    })
}

/// Writes the lines of what [`deal`] made, with columns of these widths.
pub(super) fn write(parts: &[Cells], widths: &[u32], out: &mut dyn Write) -> io::Result<()> {
    let Some((first, others)) = parts.split_first() else {
        return Ok(());
    };
    thread::scope(|scope| {
        let lay_out = |cells, lines| move || lay_out(cells, widths, &lines);
        let others = others.iter().map(|cells| {
            let (sender, receiver) = sync_channel(AHEAD);
            scope.spawn(lay_out(cells, sender));
            receiver
        });
        let others: Vec<_> = others.collect();
        let mut lines = String::new();
        for block in first.blocks(ROWS) {
            lines.clear();
            block.push_lines(widths, &mut lines);
            out.write_all(lines.as_bytes())?;
            write_one_of_each(&others, out)?;
        }
        Ok(())
    })
}

/// Lays out the blocks of a part until nobody wants them any more.
fn lay_out(cells: &Cells, widths: &[u32], to: &SyncSender<String>) {
    let lines = |block: Block<'_>| {
        let mut lines = String::new();
        block.push_lines(widths, &mut lines);
        lines
    };
    let mut blocks = cells.blocks(ROWS).map(lines);
    // Refused when the output is closed.
    blocks.all(|lines| to.send(lines).is_ok());
}

/// A part that has no more blocks has sent its last.
fn write_one_of_each(parts: &[Receiver<String>], out: &mut dyn Write) -> io::Result<()> {
    let blocks = parts.iter().filter_map(|part| part.recv().ok());
    blocks
        .into_iter()
        .try_for_each(|lines| out.write_all(lines.as_bytes()))
}
