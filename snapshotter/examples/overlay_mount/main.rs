//! A mount with overlay's own options, for test suites that want one: lower directories become layers,
//! our FUSE mount serves them, and the kernel's overlay lies on it.
//!
//! ```text
//! overlay_mount SOURCE DIR -o lowerdir=TOP:…:BASE,upperdir=UPPER,workdir=WORK[,…]
//! ```
//!
//! Installed as `/sbin/mount.fuse.iechor` it is what `mount -t fuse.iechor` calls. Lower directories may
//! have overlayfs' whiteouts and marks, as an upper of the mount before has them; they are copied, so
//! that nothing of them changes. Options of overlayfs that the mount has anyway are accepted. The mount
//! ends with `umount DIR`; upper and work directory stay.

#![expect(clippy::print_stderr, reason = "a program of its own")]

mod layers;
mod options;
mod server;

use std::process::ExitCode;

use options::Request;

fn main() -> ExitCode {
    let request = match Request::parse(std::env::args_os().skip(1)) {
        Ok(request) => request,
        Err(wrong) => {
            eprintln!("overlay_mount: {wrong}\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    let outcome = match server::is_server() {
        true => server::serve(&request),
        false => server::start(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("overlay_mount: {error}");
            ExitCode::FAILURE
        }
    }
}
