//! Where a step's output goes.

/// Which of its two outputs a step wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Receives a step's output as it is written.
pub trait OutputSink {
    /// Takes bytes as they came, in order; nothing is dropped, lines may be split.
    fn output(&mut self, stream: Stream, bytes: &[u8]);
}
