//! `iechor builder cache-mounts import`.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use clap::Args;
use iechor_engine::cache_mounts::{self, Existing};

use crate::error::CliError;
use crate::session::Session;

/// Make the contents of a tar archive those of a cache mount
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Its id, as in `RUN --mount=type=cache,id=ID`; without one, a mount's id is its target
    #[arg(value_name = "ID")]
    id: String,
    /// The archive, plain or compressed; `-` is standard input
    #[arg(value_name = "FILE|-", default_value = "-")]
    file: PathBuf,
    /// Throw away what the cache mount has
    #[arg(long)]
    replace: bool,
}

/// Reads the archive.
pub(crate) fn run(args: &ImportArgs, session: &Session) -> Result<(), CliError> {
    let engine = session.engine()?;
    let existing = match args.replace {
        true => Existing::Replace,
        false => Existing::Refuse,
    };
    if args.file.as_os_str() == "-" {
        let mut stdin = io::stdin().lock();
        return Ok(cache_mounts::import(
            &engine, &args.id, &mut stdin, existing,
        )?);
    }
    let mut file = File::open(&args.file).map_err(|source| CliError::Io {
        action: "open",
        path: args.file.clone(),
        source,
    })?;
    Ok(cache_mounts::import(
        &engine, &args.id, &mut file, existing,
    )?)
}
