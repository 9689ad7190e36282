//! Runs one build step in namespaces on a mounted root file system.
//!
//! The crate knows neither snapshots nor cache nor instructions: it is given a directory that is
//! mounted already and a [`StepSpec`], and says how the command ended.
//!
//! ```text
//!  builder (many threads)             init (PID 1 of the step)          command
//!  Sandbox::run
//!    clone into new namespaces ─────► close_range, exec of a sealed copy of this program
//!    step, seccomp filters ─────────► child::setup: mounts, /dev, /proc, /sys, pivot_root
//!    cgroup, then "go" ─────────────► child::init: fork ─────────────► child::exec: identity,
//!    poll: output, reports, cancel    reap all, forward SIGTERM         filters, execve
//!    outcome ◄─────────────────────── how the command ended ◄───────── exit
//!    wait: the kernel kills what is left of the PID namespace with its init
//! ```
//!
//! The life line in both directions is one socket ([`channel`]): when the builder dies, init reads
//! end-of-file and leaves, and the kernel takes the whole PID namespace with it. Between `clone` and
//! `exec` nothing may allocate (the builder has threads); everything after `exec` is ordinary
//! single-threaded code. Only [`sys`] contains `unsafe`. The profile is told in `docs/sandbox.md`.
//!
//! Besides, a process can be put into the background here ([`run_in_background`]): the server of a mount.
//!
//! Start reading at [`Sandbox::run`], then `child/setup.rs`.

mod background;
mod cancel;
mod channel;
mod child;
mod error;
mod fault;
mod outcome;
mod output;
mod private;
mod sandbox;
mod secret;
mod spec;
mod sys;
mod terminal;
mod wire;

pub use background::run_in_background;
pub use cancel::CancelToken;
pub use child::init_if_child;
pub use error::ExecError;
pub use fault::StepFault;
pub use outcome::StepOutcome;
pub use output::{OutputSink, Stream};
pub use private::enter_private_mounts;
pub use sandbox::Sandbox;
pub use secret::Secret;
pub use spec::{Access, MountSource, Network, StepMount, StepSpec, User};
pub use terminal::Terminal;
