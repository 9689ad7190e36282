//! Writes one node of a tree, with what is in it, to a name of the host that is free.

use std::collections::HashMap;
use std::os::fd::AsFd;
use std::path::Path;

use iechor_snapshotter::tree::{Node, Tree};
use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use super::{TreeWriter, fresh_directory, io_error, is_left_out, open_directory, parent_of};
use crate::layer::write::WriteError;

/// The name that the node has in the fresh directory.
const FRESH: &str = "node";

/// Puts a node of a tree, a directory with what is in it, at the path `target`.
///
/// It is written beside `target` and appears complete or not at all. A link at `target` counts as
/// something that is there. Owners are kept if we may set them.
///
/// # Errors
///
/// [`WriteError::Exists`] when there is anything at `target`; [`WriteError::Special`] for a device or
/// socket; [`WriteError::Tree`]; [`WriteError::Io`].
pub fn write_node(tree: &Tree, node: &Node, target: &Path) -> Result<(), WriteError> {
    if is_left_out(&node.kind()) {
        return Err(WriteError::Special {
            path: node.path().to_owned(),
        });
    }
    let fresh = fresh_directory(parent_of(target))?;
    write_into(tree, node, fresh.path())?;
    let written = fresh.path().join(FRESH);
    match rustix::fs::renameat_with(CWD, &written, CWD, target, RenameFlags::NOREPLACE) {
        Err(Errno::EXIST) => Err(WriteError::Exists {
            path: target.to_owned(),
        }),
        renamed => renamed.map_err(|error| io_error("cannot make", target)(error.into())),
    }
}

fn write_into(tree: &Tree, node: &Node, dir: &Path) -> Result<(), WriteError> {
    let fd = open_directory(dir)?;
    let mut writer = TreeWriter {
        tree,
        root: fd.as_fd(),
        base: node.path(),
        below: Path::new(FRESH),
        shown: dir,
        names: HashMap::new(),
    };
    writer.node(node, fd.as_fd(), Path::new(FRESH))
}
