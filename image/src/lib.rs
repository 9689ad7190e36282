//! OCI and Docker images: references, registries, layouts, archives, layers.
//!
//! The only crate that speaks HTTP, and the only place where untrusted archives meet the store.
//! Layers come in as a stream and go into a [`LayerWriter`]; nothing is unpacked on the host.

#![forbid(unsafe_code)]

pub mod config;
pub mod content;
pub mod export;
pub mod layer;
pub mod platform;
pub mod reference;
pub mod registry;
pub mod source;

pub use config::ImageConfig;
pub use platform::Platform;
pub use reference::ImageRef;
pub use source::ImageSource;
