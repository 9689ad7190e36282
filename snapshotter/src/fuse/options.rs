//! How a session is mounted and served.

use std::num::NonZeroUsize;
use std::thread;

use crate::chain::Chain;
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

/// What is answered when a file is asked for an extended attribute.
///
/// Overlayfs asks each regular file of its lower for one when it first looks at it, and copying
/// programs ask for more. Where no file has any, the kernel can be told once and for all: it asks no
/// more, and says `EOPNOTSUPP` instead of `ENODATA` itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Xattrs {
    /// What the files have.
    Served,
    /// That there are none: only for chains of which that is true.
    Absent,
}

impl Xattrs {
    /// What a chain needs.
    pub fn of(chain: &Chain) -> Self {
        match chain.has_xattrs() {
            true => Self::Served,
            false => Self::Absent,
        }
    }
}

/// How a session is mounted and served. Always read-only and without devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FuseOptions {
    /// Who can see the mount.
    pub visibility: Visibility,
    /// How many threads answer requests.
    pub threads: NonZeroUsize,
    /// What is said of extended attributes.
    pub xattrs: Xattrs,
}

impl FuseOptions {
    /// More threads than this only take turns: nearly all requests are answered from memory.
    const THREADS_MAX: usize = 4;

    /// The usual options: a thread for each processor, up to four; extended attributes are served.
    pub fn new(visibility: Visibility) -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = NonZeroUsize::new(processors.min(Self::THREADS_MAX));
        Self {
            visibility,
            threads: threads.unwrap_or(NonZeroUsize::MIN),
            xattrs: Xattrs::Served,
        }
    }

    /// The same with another answer to who asks for extended attributes.
    pub fn with(self, xattrs: Xattrs) -> Self {
        Self { xattrs, ..self }
    }

    pub(super) fn protection(&self) -> Protection {
        match self.visibility {
            Visibility::Private => Protection::ReadOnly,
            Visibility::Host => Protection::ReadOnlyNoSuid,
        }
    }
}
