//! Layers as archives: unpacked into a [`LayerWriter`](iechor_snapshotter::LayerWriter), written
//! from a [`Chain`](iechor_snapshotter::Chain).

pub mod archive;
pub mod compress;
mod contents;
mod entries;
mod entry;
mod error;
pub mod limits;
pub mod local;
mod name;
mod pax;
mod sparse;
pub(crate) mod stream;
pub(crate) mod tar_writer;
pub mod unpack;
mod whiteout;
pub mod write;

pub use archive::{ArchivePlacement, is_archive, unpack_archive};
pub use compress::Compression;
pub use limits::Limits;
pub use local::write_local;
pub use unpack::{Refusal, UnpackError, Unpacked, unpack};
pub use write::{WriteError, diff_id_of, write_layer_tar, write_rootfs_tar};
