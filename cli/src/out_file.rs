//! Files that a command leaves where the user asked for them.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::error::CliError;

/// Removes what an earlier command wrote there, if anything.
pub(crate) fn remove_stale(path: &Path) -> Result<(), CliError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(cannot("replace", path)(error))
        }
        _ => Ok(()),
    }
}

/// Writes a file that appears by one rename: whole, or not at all.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    write_by_rename(path, bytes).map_err(cannot("write", path))
}

/// The same for what is too large to be held in memory; `fill` writes it.
pub(crate) fn write_whole(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let mut file = beside(path).map_err(cannot("write", path))?;
    fill(&mut file)?;
    publish(file, path).map_err(cannot("write", path))
}

fn write_by_rename(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = beside(path)?;
    file.write_all(bytes)?;
    publish(file, path)
}

/// A file in the directory of another one.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    NamedTempFile::new_in(match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    })
}

fn publish(file: NamedTempFile, path: &Path) -> io::Result<()> {
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.as_file().set_permissions(readable)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn cannot(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CliError {
    let path = path.to_owned();
    move |source| CliError::Io {
        action,
        path,
        source,
    }
}
