//! Long tables, made and laid out on several threads.
//!
//! Each thread takes the next block of rows when it has made one, so that all end together. Lines are
//! written in their order while they are laid out, and no thread has more of them in memory than a few
//! blocks.

use std::io::{self, Write};
use std::iter;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use super::cells::Cells;

/// Rows from which a second thread spares more time than starting it takes.
const WORTH_A_THREAD: usize = 5000;

/// Rows of a block: few enough to stay near the processor.
const ROWS: usize = 256;

/// Blocks that a thread is ahead of what is written.
const AHEAD: usize = 8;

/// What one thread has made: the cells of some blocks.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) cells: Cells,
    /// Which blocks these are, in order.
    blocks: Vec<usize>,
}

/// Makes the cells of so many rows, of many on several threads.
pub(super) fn deal(
    count: usize,
    make: impl Fn(&mut dyn Iterator<Item = usize>) -> Cells + Sync,
) -> Vec<Part> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let parts = threads.min(count / WORTH_A_THREAD).max(1);
    let next = AtomicUsize::new(0);
    let part = || {
        let mut blocks = Vec::new();
        let dealt = iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed))
            .take_while(|block| block * ROWS < count)
            .inspect(|block| blocks.push(*block));
        let rows = |block: usize| block * ROWS..count.min((block + 1) * ROWS);
        let cells = make(&mut dealt.flat_map(rows));
        Part { cells, blocks }
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..parts).map(|_| scope.spawn(part)).collect();
        let first = part();
        let others = others
            .into_iter()
            .map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        iter::once(first).chain(others).collect()
    })
}

/// Writes the lines of what [`deal`] made, with columns of these widths.
pub(super) fn write(parts: &[Part], widths: &[u32], out: &mut dyn Write) -> io::Result<()> {
    let Some((first, others)) = parts.split_first() else {
        return Ok(());
    };
    thread::scope(|scope| {
        let others = others.iter().map(|part| {
            let (sender, receiver) = sync_channel(AHEAD);
            scope.spawn(move || lay_out(part, widths, &sender));
            receiver
        });
        let others: Vec<_> = others.collect();
        let mut own = first.cells.blocks(ROWS);
        for maker in makers(parts) {
            let lines = match maker.checked_sub(1) {
                None => own.next().map(|block| block.lines(widths)),
                Some(other) => others[other].recv().ok(),
            };
            out.write_all(lines.unwrap_or_default().as_bytes())?;
        }
        Ok(())
    })
}

impl From<Cells> for Part {
    /// A table of few rows, which one thread has made.
    fn from(cells: Cells) -> Self {
        let blocks = 0..cells.blocks(ROWS).count();
        Self {
            blocks: blocks.collect(),
            cells,
        }
    }
}

/// Of each block, the part that has it.
fn makers(parts: &[Part]) -> Vec<usize> {
    let blocks = parts.iter().map(|part| part.blocks.len()).sum();
    let mut makers = vec![0; blocks];
    for (maker, part) in parts.iter().enumerate() {
        for block in &part.blocks {
            makers[*block] = maker;
        }
    }
    makers
}

/// Lays out the blocks of a part until nobody wants them any more.
fn lay_out(part: &Part, widths: &[u32], to: &SyncSender<String>) {
    let blocks = part.cells.blocks(ROWS);
    let mut lines = blocks.map(|block| block.lines(widths));
    // Refused when the output is closed.
    lines.all(|lines| to.send(lines).is_ok());
}
