//! Layers as archives: unpacked into a [`LayerWriter`](iechor_snapshotter::LayerWriter), written
//! from a [`Chain`](iechor_snapshotter::Chain).

pub mod archive;
pub mod compress;
pub mod limits;
pub mod local;
pub mod unpack;
pub mod write;

pub use archive::{ArchivePlacement, unpack_archive};
pub use compress::Compression;
pub use limits::Limits;
pub use local::write_local;
pub use unpack::{UnpackError, Unpacked, unpack};
pub use write::{WriteError, diff_id_of, write_layer_tar, write_rootfs_tar};
