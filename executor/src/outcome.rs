//! How a step ended.

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepOutcome {
    /// The command ended by itself with this code.
    Exited(u8),
    /// A signal ended it; `out_of_memory` when the kernel's OOM killer sent it.
    Signaled {
        /// Signal number.
        signal: i32,
        /// Whether the step's memory limit was met.
        out_of_memory: bool,
    },
    /// It was ended because the [`CancelToken`](crate::CancelToken) fired.
    Cancelled,
}
