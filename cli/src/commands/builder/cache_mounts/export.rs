//! `iechor builder cache-mounts export`.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use iechor_engine::cache_mounts;

use crate::error::CliError;
use crate::out_file;
use crate::session::Session;

/// Write the contents of a cache mount to a tar archive
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Its id, or the first digits of its directory
    #[arg(value_name = "ID")]
    id: String,
    /// The archive; `-` is standard output
    #[arg(value_name = "FILE|-", default_value = "-")]
    file: PathBuf,
}

/// Writes it, with owners, times and attributes.
pub(crate) fn run(args: &ExportArgs, session: &Session) -> Result<(), CliError> {
    let engine = session.engine()?;
    if args.file.as_os_str() != "-" {
        return out_file::write_whole(&args.file, |file| {
            cache_mounts::export(&engine, &args.id, file).map_err(Into::into)
        });
    }
    let mut stdout = io::stdout().lock();
    if stdout.is_terminal() {
        return Err(CliError::usage_with_hint(
            "an archive is not for a terminal",
            "name a FILE, or send it into a pipe",
        ));
    }
    cache_mounts::export(&engine, &args.id, &mut stdout)?;
    stdout.flush().map_err(CliError::from_stdout)
}
