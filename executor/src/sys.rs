//! The system calls that need `unsafe`: one call a function, each block with its reason.

#![expect(
    unsafe_code,
    reason = "clone, fork, exec and what rustix does not wrap"
)]

mod clone;
mod exec;
mod link;
mod mount;
mod seccomp;
mod signals;

pub(crate) use clone::{INIT_NAME, Launch, Launched, inherited_channel, launch};
pub(crate) use exec::{Forked, close_from, execute, exit, fork, new_session_keyring};
pub(crate) use link::bring_up_loopback;
pub(crate) use mount::change_attributes;
pub(crate) use seccomp::install_filter;
pub(crate) use signals::restore_default_signals;
