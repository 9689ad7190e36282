//! The re-executed side: a process that was started as a step's init.

mod console;
mod devices;
mod exec;
mod identity;
mod init;
mod kernel_fs;
mod root;
mod setup;
mod source;
mod staging;
mod step_mounts;
mod targets;
mod tree;

use std::os::unix::ffi::OsStrExt;

use crate::channel::InitEnd;
use crate::sys;

/// The re-executed side. Must be the first statement of `main`: if this process was started by
/// [`Sandbox::run`](crate::Sandbox::run) it becomes the step and never returns; otherwise it returns
/// at once.
pub fn init_if_child() {
    let name = std::env::args_os().next().unwrap_or_default();
    if name.as_bytes() != sys::INIT_NAME.to_bytes() {
        return;
    }
    if let Some(channel) = sys::inherited_channel() {
        init::run(InitEnd::new(channel));
        sys::exit(0);
    }
}
