//! Real steps in real namespaces; needs root and a static `/bin/busybox`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "the lints know a test by its attribute, and these run under a main of their own"
)]

mod cancel;
mod errors;
mod isolation;
mod mounts;
mod rootfs;
mod run;
mod runner;
mod step;
mod sys;

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    iechor_executor::init_if_child();
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("--probe") => sys::probe(&arguments[1..]),
        Some("--builder") => cancel::be_a_builder(&arguments[1]),
        _ => {
            iechor_executor::enter_private_mounts().expect("tests run as root");
            let tests = [
                run::TESTS,
                errors::TESTS,
                isolation::TESTS,
                mounts::TESTS,
                cancel::TESTS,
            ];
            runner::run(&tests.concat(), &arguments)
        }
    }
}
