//! Layers, archives and registries from outside: as they should be, and as they should not.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail and say why"
)]

mod archive;
mod compressed;
mod docker_registry;
mod export;
mod hostile;
mod limits;
mod local;
mod mock;
mod registry;
mod round_trip;
mod source;
mod store;
mod tarball;
mod tool;
mod unpack;
