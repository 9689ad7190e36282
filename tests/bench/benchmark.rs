//! How every benchmark begins and ends.

use std::fmt::Display;
use std::process::ExitCode;

/// Runs a benchmark that prints its own table; what goes wrong is told on standard error.
pub(crate) fn run<E: Display>(benchmark: impl FnOnce() -> Result<(), E>) -> ExitCode {
    // `cargo test --benches` starts every benchmark once, to see that it builds.
    if std::env::args().any(|arg| arg == "--test") {
        return ExitCode::SUCCESS;
    }
    match benchmark() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
