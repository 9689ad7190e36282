//! The FUSE server: a thin layer between the kernel and [`ChainFs`].
//!
//! Here requests are taken apart and answers put together, by the library `fuser`, which no other
//! module knows. What a request means stands in [`ChainFs`]; what the kernel is told to
//! keep, and why, in `docs/fuse.md`.
//!
//! # Invariants
//!
//! * Every request gets an answer; one that panics gets `EIO` and is counted.
//! * The server's threads open nothing by path, so that they never wait for their own mount.
//! * The descriptor of `/dev/fuse` closes on exec. While a copy of it lives, a reader of a dead
//!   server hangs instead of getting `ENOTCONN`.
//!
//! [`ChainFs`]: crate::chainfs::ChainFs

mod adapter;
mod convert;
mod options;
mod readahead;
mod server;
mod session;
mod sessions;

use std::io;

use crate::chainfs::ViewError;
use crate::mount::MountError;
use crate::store::StoreError;
pub use options::{FuseOptions, Visibility, Xattrs};
pub use session::{FuseSession, ServedChain, View};
pub use sessions::Sessions;

/// Why a chain cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum FuseError {
    /// There is no FUSE here.
    #[error(
        "cannot open {}: load the kernel module fuse, or let the container have the device",
        server::DEVICE
    )]
    Device(#[source] io::Error),
    /// The file system cannot be mounted or unmounted.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// Kernel and server do not understand each other.
    #[error("the kernel refused the FUSE handshake")]
    Handshake(#[source] io::Error),
    /// No thread can be started.
    #[error("cannot start the FUSE server")]
    Thread(#[source] io::Error),
    /// The server ended before the file system was unmounted.
    #[error("the FUSE server failed")]
    Server(#[source] io::Error),
    /// A chain with extended attributes shall be shown where it was said that there are none.
    #[error("the chain has extended attributes, and the session says that there are none")]
    Xattrs,
    /// No directory can be made to mount on.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The chain cannot be shown as it was asked for.
    #[error("cannot show the chain")]
    View(#[from] ViewError),
}
