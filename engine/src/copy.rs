//! Copying files into a snapshot: what COPY, ADD and bind mounts have in common.
//!
//! ```text
//! SourceTree ── HostTree (a directory of the host)     select: pattern -> files
//!           └── ChainTree (a stage, an image)          facts:  files   -> inputs of the key
//!                                                      place:  files   -> LayerWriter
//! ```

mod chain;
mod error;
pub(crate) mod facts;
mod host;
pub(crate) mod place;
pub(crate) mod select;
pub(crate) mod source;

pub(crate) use chain::ChainTree;
pub(crate) use error::CopyError;
pub(crate) use host::HostTree;
