//! `iechor`: builds container images from iEchorfiles, without a daemon.

#![forbid(unsafe_code)]

mod args;
mod commands;
mod config;
mod credentials;
mod env;
mod error;
mod limits;
mod out_file;
mod progress;
mod records;
mod session;
mod signals;
mod stat;
mod table;
mod ui;
mod units;

use std::process::ExitCode;

fn main() -> ExitCode {
    // A step of a build is this same program, started again: it never comes back from here.
    iechor_engine::init_if_child();
    limits::raise_open_files();
    commands::run()
}
