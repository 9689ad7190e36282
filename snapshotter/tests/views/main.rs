//! Chains as they are seen: by path, by inode number, through the kernel, and under an overlay.
//!
//! Needs root and `/dev/fuse`: everything here is mounted for real.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod ahead;
mod chainfs;
mod damage;
mod differential;
mod fixture;
mod model;
mod overlay;
mod programs;
mod random;
mod reference;
mod served_chain;
mod server_process;
mod session;
mod sessions;
mod sizes;
mod suite;
mod sys;
mod tree;
mod virtual_entries;
