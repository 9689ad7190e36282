//! Names of entries: bytes from outside, made fit for a tree (T1, T10, T12).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::layer::error::{Refusal, UnpackError};
use crate::layer::limits::Limits;

/// A name as a path relative to the root, without `.` and empty components; empty for the root.
///
/// # Errors
///
/// A NUL byte, a `..` component anywhere, and what is over the limits.
pub(super) fn normalise(name: &[u8], limits: &Limits) -> Result<PathBuf, UnpackError> {
    let over = |name, limit: usize| {
        Err(UnpackError::Limit {
            name,
            limit: limit as u64,
        })
    };
    if name.len() > limits.path_bytes {
        return over("path_bytes", limits.path_bytes);
    }
    if name.contains(&0) {
        return Err(Refusal::Nul("name").of(name));
    }
    let mut path = PathBuf::new();
    let components = name.split(|byte| *byte == b'/');
    for (depth, component) in components
        .filter(|part| !matches!(*part, b"" | b"."))
        .enumerate()
    {
        match component {
            b".." => return Err(Refusal::ParentComponent.of(name)),
            _ if component.len() > limits.component_bytes => {
                return over("component_bytes", limits.component_bytes);
            }
            _ if depth >= limits.depth => return over("depth", limits.depth),
            _ => path.push(OsStr::from_bytes(component)),
        }
    }
    Ok(path)
}

/// Directory and last component; none for the root.
pub(super) fn split(path: &Path) -> Option<(&Path, &OsStr)> {
    Some((path.parent()?, path.file_name()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalised(name: &str) -> Result<PathBuf, UnpackError> {
        normalise(name.as_bytes(), &Limits::default())
    }

    #[test]
    fn names_become_relative() {
        for (name, path) in [
            ("./a//b/./c/", "a/b/c"),
            ("/etc/passwd", "etc/passwd"),
            ("./", ""),
            ("", ""),
            ("/", ""),
        ] {
            assert_eq!(normalised(name).unwrap(), Path::new(path), "{name}");
        }
    }

    #[test]
    fn names_that_lead_upwards_or_have_a_nul_are_refused() {
        for name in ["..", "../x", "a/../../x", "/..", "a/..", "a/../b", "a\0b"] {
            assert!(
                matches!(normalised(name), Err(UnpackError::Entry { .. })),
                "{name:?}"
            );
        }
    }

    #[test]
    fn limits_hold_at_their_value_and_not_beyond() {
        let limit = |name: &str| match normalised(name) {
            Ok(_) => "none",
            Err(UnpackError::Limit { name, .. }) => name,
            Err(error) => panic!("{error}"),
        };
        let long = |n: usize| "a".repeat(n);
        assert_eq!(limit(&long(255)), "none");
        assert_eq!(limit(&long(256)), "component_bytes");
        assert_eq!(limit(&vec!["a"; 256].join("/")), "none");
        assert_eq!(limit(&vec!["a"; 257].join("/")), "depth");
        let at_limit = format!("{}{}", "/".repeat(4095), "a");
        assert_eq!(limit(&at_limit), "none");
        assert_eq!(limit(&format!("/{at_limit}")), "path_bytes");
    }
}
