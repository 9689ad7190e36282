//! How a session is mounted and served.

use std::num::NonZeroUsize;
use std::thread;

use crate::mount::Protection;

/// Who can see the mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Only this process and its steps, in a private mount namespace: set-user-id programs of the
    /// image work, as `sudo` in a step must.
    Private,
    /// Everybody on the host: set-user-id bits and file capabilities of the image give nothing.
    /// A set-user-id file on a FUSE mount was copied up by overlayfs with its bit on kernels before
    /// 6.2 (CVE-2023-0386).
    Host,
}

/// How a session is mounted and served. Always read-only and without devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FuseOptions {
    /// Who can see the mount.
    pub visibility: Visibility,
    /// How many threads answer requests.
    pub threads: NonZeroUsize,
}

impl FuseOptions {
    /// More threads than this only take turns: nearly all requests are answered from memory.
    const THREADS_MAX: usize = 4;

    /// The usual options: a thread for each processor, up to four.
    pub fn new(visibility: Visibility) -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = NonZeroUsize::new(processors.min(Self::THREADS_MAX));
        Self {
            visibility,
            threads: threads.unwrap_or(NonZeroUsize::MIN),
        }
    }

    pub(super) fn protection(&self) -> Protection {
        match self.visibility {
            Visibility::Private => Protection::ReadOnly,
            Visibility::Host => Protection::ReadOnlyNoSuid,
        }
    }
}
