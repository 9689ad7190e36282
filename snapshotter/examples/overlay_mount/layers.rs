//! Directories in overlayfs' form, as layers of a store.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use iechor_snapshotter::{Chain, SnapshotStore};

/// A chain of directories, topmost first.
pub(crate) fn chain_of(store: &SnapshotStore, lowers: &[PathBuf]) -> Result<Chain, Box<dyn Error>> {
    lowers
        .iter()
        .rev()
        .try_fold(Chain::empty(), |chain, lower| add(store, &chain, lower))
}

/// A directory as a layer on a chain. A commit takes files away, so it gets a copy.
fn add(store: &SnapshotStore, chain: &Chain, lower: &Path) -> Result<Chain, Box<dyn Error>> {
    let active = store.prepare(chain)?;
    let copied = Command::new("cp")
        .args(["--archive", "--reflink=auto", "--no-target-directory", "--"])
        .args([lower, &active.upper()])
        .status()?;
    if !copied.success() {
        return Err(format!("cannot copy {}", lower.display()).into());
    }
    Ok(active.commit(&[])?)
}
