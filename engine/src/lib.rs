//! Composes a build: plan, cache decisions, steps, images.
//!
//! The one crate that knows frontend, cache, snapshots, executor and images together. It prints
//! nothing, reads no environment variable and never ends the process; what happens is told to a
//! [`ProgressSink`].
//!
//! ```text
//! BuildRequest ─► plan (stages needed, in order) ─► solve (a stage: a key and a decision for
//!   each step) ─► op (what a missed step does) ─► record ─► assemble (config) ─► output
//! ```
//!
//! Start reading at [`build`].

#![forbid(unsafe_code)]

mod accounts;
pub mod blame;
pub mod build;
pub mod cache_mounts;
pub mod commit;
mod copy;
pub mod diff;
mod digesting;
mod disk;
pub mod doctor;
pub mod error;
pub mod explain;
pub mod files;
pub mod history;
mod hold;
pub mod images;
pub mod layers;
pub mod logs;
mod lower;
pub mod mounts;
mod op;
pub mod output;
mod parallel;
pub mod path_error;
pub mod picture;
pub mod progress;
pub mod prune;
pub mod reference;
pub mod request;
pub mod shell;
pub mod sources;
pub mod state;
mod transfer;
mod tree;
pub mod usage;
mod workbench;

pub use error::BuildError;
pub use iechor_cachedb::MissReason;
pub use iechor_executor::{
    CancelToken, OutputSink, Secret, StepOutcome, Stream, Terminal, enter_private_mounts,
    init_if_child,
};
pub use iechor_frontend as frontend;
pub use iechor_image::registry::{CredentialError, DockerConfig};
pub use iechor_image::{HttpSettings, ImageRef, NoProxy, Platform};
pub use progress::{Event, ProgressSink, StepId, StepInfo};
pub use request::BuildRequest;
pub use state::{Engine, Settings};
