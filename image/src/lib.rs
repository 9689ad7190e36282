//! OCI and Docker images: references, registries, layouts, archives, layers.
//!
//! The only crate that speaks HTTP, and the only place where untrusted archives meet the store.
//! Layers come in as a stream and go into a [`LayerWriter`](iechor_snapshotter::LayerWriter);
//! nothing is unpacked on the host.
//!
//! ```text
//!  registry ─┐                        ┌─► ContentStore (bytes as they came)
//!  layout   ─┼─ ImageSource ─ resolve ┤
//!  archive  ─┘                        └─► layer::unpack ─► LayerWriter + BlobStore
//!
//!  Chain ─► layer::write_layer_tar ─► compress ─► ImageLayer ─► Image ─► layout, archive, push
//! ```
//!
//! # Invariants
//!
//! * A digest is always taken over bytes as received or as written, never over JSON written anew.
//! * Nothing enters the content store, and no layer is reported as unpacked, before digest, size
//!   and (for layers) diff ID have been compared.
//! * Unpacking follows no symbolic link and opens no path on the host.

#![forbid(unsafe_code)]

pub mod config;
pub mod content;
pub mod descriptor;
pub mod export;
pub mod fetch;
pub mod http;
mod json;
pub mod layer;
pub mod manifest;
pub mod media_type;
pub mod platform;
pub mod progress;
pub mod reference;
pub mod registry;
pub mod source;

pub use config::ImageConfig;
pub use content::ContentStore;
pub use descriptor::Descriptor;
pub use export::{Image, ImageLayer};
pub use http::{HttpSettings, NoProxy};
pub use layer::compress::Compression;
pub use platform::Platform;
pub use progress::Progress;
pub use reference::ImageRef;
pub use registry::Registry;
pub use source::{ImageSource, ResolvedImage};
