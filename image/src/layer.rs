//! Layers as archives: unpacked into a [`LayerWriter`](iechor_snapshotter::LayerWriter), written
//! from a [`Chain`](iechor_snapshotter::Chain).
//!
//! # Threats
//!
//! A layer may come from anybody. What it may try, and what becomes of it:
//!
//! | | attack | answer |
//! |---|---|---|
//! | T1 | names with `..`, absolute names | refused; taken as relative to the root |
//! | T2 | writing through a symbolic link | no link is followed, on the host or in the tree |
//! | T3 | hard links to what is elsewhere | looked up in this tree alone, by a path without links |
//! | T4 | mode or owner of what a link points to | metadata belongs to a name in the tree |
//! | T5 | archives that readers take for different ones | refused where readers differ |
//! | T6 | whiteouts of no name, marks of overlay file systems | refused; attributes are dropped |
//! | T7 | devices, pipes | facts about a name, never nodes on the host |
//! | T8 | setuid files, file capabilities | likewise |
//! | T9 | decompression bombs | bounded by size and by ratio, see [`Limits`] |
//! | T10 | giant headers, names, attributes | bounded, see [`Limits`] |
//! | T11 | sparse files of giant size | holes stay holes, logical size is bounded |
//! | T12 | the same name twice, names that are no text, NUL | the last counts; bytes; refused |
//! | T13 | other bytes than announced | digest, size and diff ID are compared before it counts as unpacked |

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
pub use local::{write_local, write_node};
pub use unpack::{Refusal, UnpackError, Unpacked, unpack};
pub use write::{WriteError, diff_id_of, write_layer_tar, write_rootfs_tar};
