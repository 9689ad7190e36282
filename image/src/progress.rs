//! How callers learn of bytes that pass.

/// Told how many more bytes have passed; called often, from any thread.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// let seen = AtomicU64::new(0);
/// let count = |more| {
///     seen.fetch_add(more, Ordering::Relaxed);
/// };
/// let progress: iechor_image::Progress<'_> = &count;
/// progress(512);
/// assert_eq!(seen.into_inner(), 512);
/// ```
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

/// For callers who do not want to know: `&progress::silent`.
pub fn silent(_more: u64) {}
