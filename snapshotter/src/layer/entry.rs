//! What can be put into a layer: paths, payloads and metadata, checked.

use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use super::{Metadata, NodeKind, Xattr};
use crate::index::is_name;
use crate::overlay_xattr;

/// Most directories in each other; deeper trees would exhaust descriptors and stacks.
pub(crate) const DEPTH_MAX: usize = 512;
/// Most symbolic links that a path is resolved through (`MAXSYMLINKS` of the kernel).
pub(super) const LINKS_MAX: usize = 40;
/// Longest target of a symbolic link (`PATH_MAX` without its NUL).
const TARGET_MAX: usize = 4095;
/// Largest value of an attribute (`XATTR_SIZE_MAX`).
const XATTR_MAX: usize = 64 * 1024;

/// Why an entry cannot be put into a layer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// A component is `..`, `.`, longer than 255 bytes, or has a NUL byte.
    #[error("not a path of plain names of at most 255 bytes")]
    Path,
    /// There are too many directories in each other.
    #[error("it lies more than {DEPTH_MAX} directories deep")]
    TooDeep,
    /// The root can only be a directory, and cannot be removed.
    #[error("the root directory cannot be replaced or removed")]
    Root,
    /// A parent in the path, or the path itself, is no directory.
    #[error("not a directory")]
    NotADirectory,
    /// A hard link leads to nothing.
    #[error("there is no file to link to")]
    NoTarget,
    /// A hard link leads to a directory.
    #[error("a directory cannot be hard linked")]
    LinkToDirectory,
    /// A path leads through too many symbolic links, or in circles.
    #[error("more than {LINKS_MAX} symbolic links on the way (ELOOP)")]
    TooManyLinks,
    /// The entry has a property that no file can have.
    #[error("{0}")]
    Property(&'static str),
}

/// The components of a path relative to the root.
pub(super) fn components(path: &Path) -> Result<Vec<&[u8]>, EntryError> {
    let names = path.as_os_str().as_bytes().split(|byte| *byte == b'/');
    let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    if !names.iter().all(|name| is_name(name)) {
        return Err(EntryError::Path);
    }
    if names.len() > DEPTH_MAX {
        Err(EntryError::TooDeep)
    } else {
        Ok(names)
    }
}

/// One step of a path that is yet to be resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Back to the root: the path, or a link's target, is absolute.
    Root,
    Parent,
    Name(Vec<u8>),
}

/// The steps of a path that may have `.` and `..`.
pub(super) fn steps(path: &Path) -> Vec<Step> {
    path.components()
        .filter_map(|component| match component {
            Component::RootDir => Some(Step::Root),
            Component::ParentDir => Some(Step::Parent),
            Component::Normal(name) => Some(Step::Name(name.as_bytes().to_vec())),
            Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

/// Refuses payloads that the index could not hold.
pub(super) fn check_kind(kind: &NodeKind) -> Result<(), EntryError> {
    match kind {
        NodeKind::Symlink(target) if target.is_empty() || target.contains(&0) => Err(
            EntryError::Property("a symbolic link without a proper target"),
        ),
        NodeKind::Symlink(target) if target.len() > TARGET_MAX => Err(EntryError::Property(
            "a symbolic link to more than 4095 bytes",
        )),
        NodeKind::Regular { size, .. } if i64::try_from(*size).is_err() => {
            Err(EntryError::Property("a file of more than 8 EiB"))
        }
        _ => Ok(()),
    }
}

/// Brings metadata into the form that [`Metadata`] promises: sorted, each attribute once (the last
/// one wins), nothing that overlayfs would take for its own: where it comes from an archive or the
/// host, nobody can tell whether it was meant for an overlay within.
pub(super) fn normalise(mut metadata: Metadata) -> Result<Metadata, EntryError> {
    if metadata.mtime.nanos >= 1_000_000_000 {
        return Err(EntryError::Property(
            "a time with more than a second of nanoseconds",
        ));
    }
    metadata.mode &= 0o7777;
    metadata
        .xattrs
        .retain(|xattr| !overlay_xattr::is_overlay(&xattr.name));
    metadata.xattrs.iter().try_for_each(check_xattr)?;
    metadata.xattrs.reverse();
    metadata.xattrs.sort_by(|a, b| a.name.cmp(&b.name));
    metadata.xattrs.dedup_by(|a, b| a.name == b.name);
    Ok(metadata)
}

fn check_xattr(xattr: &Xattr) -> Result<(), EntryError> {
    if xattr.name.is_empty() || xattr.name.len() > 255 || xattr.name.contains(&0) {
        return Err(EntryError::Property(
            "an extended attribute without a proper name",
        ));
    }
    if xattr.value.len() > XATTR_MAX {
        return Err(EntryError::Property(
            "an extended attribute of more than 64 KiB",
        ));
    }
    Ok(())
}
