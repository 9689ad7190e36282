//! Snapshots of a build: how they are stored, merged, served through FUSE and committed.
//!
//! A *snapshot* is an overlay layer on a parent; a [`Chain`] is the ordered list from the base.
//! What a committed layer consists of is told in [`index`]; where things lie on disk in [`store`].
//!
//! ```text
//!            new contents                                  reads
//!  LayerWriter ──► BlobStore            Tree (by path) ◄── engine, image
//!  upper dir   ──► LayerIndex ──► Chain ─┤
//!                                        └► ChainFs (by inode) ◄── fuse ◄── kernel
//! ```
//!
//! # Invariants
//!
//! * This crate knows no cache key, no instruction and no image.
//! * A layer index appears by one rename, after every blob that it names.
//! * What is served never changes: entry and attribute time-outs are infinite.
//! * `unsafe` stands in `sys` alone.

pub mod blob;
pub mod chain;
pub mod chainfs;
mod dirfd;
pub mod fuse;
pub mod id;
pub mod index;
pub mod kept;
pub mod layer;
mod merge;
pub mod mount;
mod overlay_xattr;
pub mod store;
mod sys;
pub mod tree;
pub mod upper;
mod xattr;

pub use blob::{BlobStore, BlobWriter};
pub use chain::Chain;
pub use id::{ChainId, DiffId, Digest, DigestError, DigestMap, DigestSet, Hasher, SnapshotId};
pub use index::{IndexError, LayerIndex};
pub use layer::{EntryError, Layer, LayerWriter, Metadata, NodeKind, Timestamp, Xattr};
pub use store::{
    ActiveSnapshot, LayerFacts, LayerUse, MountPoint, SnapshotStore, StoreError, Swept, Usage,
};
pub use upper::UpperError;
