//! gzip in members of a fixed size, a batch at a time on all processors, written in order.

use std::io::{self, Write};
use std::num::NonZero;
use std::thread;

use libdeflater::{CompressionLvl, Compressor};

/// Bytes of input in each member but the last. Part of what makes a layer's digest: changing it
/// changes every layer.
const MEMBER: usize = 4 << 20;
/// libdeflate's level 1 takes half the time of its level 6 for a twentieth more bytes.
const LEVEL: i32 = 1;
/// More threads than this gain little and take memory.
const MAX_THREADS: usize = 8;

/// Compresses what is written, member by member.
pub(super) struct GzipWriter<W> {
    out: W,
    /// Input that is not compressed yet: less than a batch.
    pending: Vec<u8>,
    /// Bytes of input that are compressed together: whole members.
    batch: usize,
    has_member: bool,
}

impl<W: Write> GzipWriter<W> {
    pub(super) fn new(out: W) -> Self {
        let threads = thread::available_parallelism()
            .map_or(1, NonZero::get)
            .min(MAX_THREADS);
        Self {
            out,
            pending: Vec::new(),
            batch: threads * MEMBER,
            has_member: false,
        }
    }

    /// Compresses what is left; an empty stream is one empty member.
    pub(super) fn finish(mut self) -> io::Result<W> {
        if !self.pending.is_empty() || !self.has_member {
            self.compress_pending()?;
        }
        Ok(self.out)
    }

    fn compress_pending(&mut self) -> io::Result<()> {
        for member in compress_members(&self.pending)? {
            self.out.write_all(&member)?;
        }
        self.pending.clear();
        self.has_member = true;
        Ok(())
    }
}

impl<W: Write> Write for GzipWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = bytes.len().min(self.batch - self.pending.len());
        self.pending.extend_from_slice(&bytes[..n]);
        if self.pending.len() == self.batch {
            self.compress_pending()?;
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Compresses each member's input on a thread of its own.
fn compress_members(input: &[u8]) -> io::Result<Vec<Vec<u8>>> {
    let mut inputs: Vec<&[u8]> = input.chunks(MEMBER).collect();
    let last = inputs.pop().unwrap_or_default();
    thread::scope(|scope| {
        let others: Vec<_> = inputs
            .into_iter()
            .map(|input| scope.spawn(|| compress_member(input)))
            .collect();
        let last = compress_member(last);
        let join = |worker: thread::ScopedJoinHandle<'_, io::Result<Vec<u8>>>| {
            worker
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("compression panicked")))
        };
        others.into_iter().map(join).chain([last]).collect()
    })
}

fn compress_member(input: &[u8]) -> io::Result<Vec<u8>> {
    let level = CompressionLvl::new(LEVEL).map_err(|_| io::Error::other("no such level"))?;
    let mut compressor = Compressor::new(level);
    let mut output = vec![0; compressor.gzip_compress_bound(input.len())];
    let n = compressor
        .gzip_compress(input, &mut output)
        .map_err(io::Error::other)?;
    output.truncate(n);
    Ok(output)
}
